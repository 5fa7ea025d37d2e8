#include "agent/pipeline/yaml_fields.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

absl::StatusOr<YamlFields> Open(const std::string& text) {
  return YamlFields::Open(YAML::Load(text), "f.yaml", "a target", {"name", "steps", "env"});
}
std::string ErrorIn(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}
template <typename T>
std::string ErrorIn(const absl::StatusOr<T>& result) {
  return ErrorIn(result.status());
}

// Rule: what is no mapping, a key that is not known and one that stands twice are refused, each at its place.
TEST(YamlFields, KeysAreChecked) {
  EXPECT_EQ(ErrorIn(Open("[a]")), "f.yaml:1:1: a target must be a mapping (key: value)");
  EXPECT_EQ(ErrorIn(Open("name: a\nstep: b")),
            "f.yaml:2:1: unknown key 'step' in a target; did you mean 'steps'? (known: name, steps, env)");
  EXPECT_EQ(ErrorIn(Open("name: a\nname: b")), "f.yaml:2:1: 'name' stands twice in a target");
  EXPECT_EQ(ErrorIn(Open("[a]: b")), "f.yaml:1:1: a key of a target must be a text, not a list");
}

// Rule: a text must be there and say something, unless there is a default.
TEST(YamlFields, Texts) {
  const auto fields = Open("name: a\nenv: ''\nsteps:");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_TRUE(fields->Has("env"));
  EXPECT_EQ(*fields->Text("name"), "a");
  EXPECT_EQ(*fields->Text("env", "otherwise"), "");
  EXPECT_EQ(ErrorIn(fields->Text("env")), "f.yaml:2:6: 'env' is empty");
  EXPECT_THAT(ErrorIn(fields->Text("steps", "otherwise")),
              AllOf(StartsWith("f.yaml:3:"), EndsWith("'steps' has no value; write \"\" for an empty text")));
  const auto empty = Open("{}");
  EXPECT_FALSE(empty->Has("name"));
  EXPECT_EQ(ErrorIn(empty->Text("name")), "f.yaml:1:1: a target needs 'name'");
  EXPECT_EQ(*empty->Text("name", "otherwise"), "otherwise");
  EXPECT_EQ(ErrorIn(Open("name: {a: b}")->Text("name")), "f.yaml:1:7: 'name' must be a text, not a mapping");
  EXPECT_EQ(ErrorIn(Open("name: \"a\\0b\"")->Text("name")), "f.yaml:1:7: 'name' has a NUL byte");
}

// Rule: a number is whole and large enough, or refused with both.
TEST(YamlFields, Numbers) {
  EXPECT_EQ(*Open("name: 21")->Number("name", 1, 7), 21);
  EXPECT_EQ(*Open("{}")->Number("name", 1, 7), 7);
  for (const char* text : {"0", "-3", "many", "1.5", "1 2", "99999999999", "''"}) {
    EXPECT_THAT(ErrorIn(Open(std::string("name: ") + text)->Number("name", 1, 7)),
                StartsWith("f.yaml:1:7: 'name' must be a whole number of at least 1"))
        << text;
  }
}

// Rule: lists and mappings come in the order of the file, and are empty when they are not there.
TEST(YamlFields, ListsAndMappings) {
  const auto fields = Open("steps: [b, 'a', 3]\nenv:\n  Z: 1\n  A: ''\n");
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_THAT(*fields->Texts("steps"), ElementsAre("b", "a", "3"));
  EXPECT_EQ(fields->Items("steps")->size(), 3u);
  EXPECT_THAT(*fields->TextMap("env"), ElementsAre(Pair("A", ""), Pair("Z", "1")));
  EXPECT_EQ(fields->Pairs("env")->at(0).first.Scalar(), "Z");
  const auto empty = Open("{}");
  EXPECT_THAT(*empty->Texts("steps"), IsEmpty());
  EXPECT_THAT(*empty->Items("steps"), IsEmpty());
  EXPECT_THAT(*empty->TextMap("env"), IsEmpty());
  EXPECT_THAT(*empty->Pairs("env"), IsEmpty());
}

// Rule: a mistake inside a list or mapping is named at its own place.
TEST(YamlFields, MistakesInsideHaveTheirPlace) {
  EXPECT_EQ(ErrorIn(Open("steps: a")->Texts("steps")),
            "f.yaml:1:8: 'steps' must be a list ([a, b], or lines that start with \"- \")");
  EXPECT_EQ(ErrorIn(Open("steps:\n  - a\n  - [b]")->Texts("steps")),
            "f.yaml:3:5: an item of 'steps' must be a text, not a list");
  EXPECT_EQ(ErrorIn(Open("env: [a]")->TextMap("env")), "f.yaml:1:6: 'env' must be a mapping (key: value)");
  EXPECT_EQ(ErrorIn(Open("env: {A: 1, A: 2}")->TextMap("env")), "f.yaml:1:13: 'A' stands twice in 'env'");
  EXPECT_EQ(ErrorIn(Open("env: {A: [1]}")->TextMap("env")), "f.yaml:1:10: 'A' in 'env' must be a text, not a list");
}

// Rule: an error of the caller's own has the place of its node, or no place when there is none.
TEST(YamlFields, CallersErrorsHaveAPlace) {
  const auto fields = Open("name: a\nenv: b");
  EXPECT_EQ(ErrorIn(fields->Error(fields->Get("env"), "is odd")), "f.yaml:2:6: is odd");
  EXPECT_EQ(ErrorIn(fields->Error(fields->Get("steps"), "is not there")), "f.yaml:1:1: is not there");
  EXPECT_EQ(ErrorIn(YamlError("f.yaml", YAML::Mark::null_mark(), "is odd")), "f.yaml: is odd");
}

}  // namespace
}  // namespace wasmagent::pipeline
