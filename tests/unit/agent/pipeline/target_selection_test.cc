#include "agent/pipeline/target_selection.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kFile[] = R"(version: 1
targets:
  build: {toolchain: native, steps: [{name: make, argv: [make]}]}
  wasi: {toolchain: wasi, needs: [build], steps: [{name: make, argv: [make]}]}
  wasi-debug: {toolchain: wasi, needs: [wasi], steps: [{name: make, argv: [make]}]}
)";

// A machine with both toolchains, or with a WASI SDK that must not be used.
ToolchainInventory Machine(const std::string& wasi_problem = "") {
  ToolchainInventory machine;
  machine.toolchains = {{"wasi", "/opt/wasi-sdk", "wasi-sdk 24.0", "f-wasi", wasi_problem.empty(), wasi_problem},
                        {"native", "/usr/bin/cc", "cc 12", "f-native", true, ""}};
  return machine;
}

absl::StatusOr<TargetSelection> Select(const std::vector<std::string>& wanted, const ToolchainInventory& machine,
                                       const std::string& text = kFile, const Wish& wish = {}) {
  const auto file = ParseTargetFile(text, "wasmbuild.yaml");
  EXPECT_TRUE(file.ok()) << file.status();
  return SelectTargets(*file, wanted, machine, wish);
}

// Rule: names stay in the order of the request, patterns follow the file, and each target comes once.
TEST(TargetSelection, NamesPatternsAndAll) {
  EXPECT_THAT(Select({"wasi", "build"}, Machine())->names, ElementsAre("wasi", "build"));
  EXPECT_THAT(Select({"wasi*"}, Machine())->names, ElementsAre("wasi", "wasi-debug"));
  EXPECT_THAT(Select({"wasi-debug", "wasi*", "all"}, Machine())->names, ElementsAre("wasi-debug", "wasi", "build"));
  EXPECT_THAT(Select({"[bw]*"}, Machine())->names, ElementsAre("build", "wasi", "wasi-debug"));
  EXPECT_THAT(Select({"all"}, Machine())->remarks, IsEmpty());
}

// Rule: a pattern means what can be built here, and says what it leaves out; a name means the target, come what may.
TEST(TargetSelection, PatternsLeaveOutWhatCannotBeBuilt) {
  const auto all = Select({"all"}, Machine("no SDK"));
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_THAT(all->names, ElementsAre("build"));
  EXPECT_THAT(all->remarks, ElementsAre("'all' leaves out wasi: no SDK", "'all' leaves out wasi-debug: no SDK"));
  EXPECT_THAT(Select({"wasi"}, Machine("no SDK"))->names, ElementsAre("wasi"));
  const auto none = Select({"wasi*"}, Machine("no SDK"));
  EXPECT_EQ(none.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(none.status().message()), HasSubstr("wasi-debug: no SDK"));
}

// Rule: a pattern leaves out what is known to be broken, unless it is forced.
TEST(TargetSelection, PatternsLeaveOutWhatIsBroken) {
  const std::string file =
      std::string(kFile) +
      "  bad: {support: broken, broken: it crashes, toolchain: native, steps: [{name: s, argv: [x]}]}\n";
  EXPECT_THAT(Select({"b*"}, Machine(), file)->names, ElementsAre("build"));
  EXPECT_THAT(Select({"b*"}, Machine(), file)->remarks.front(), HasSubstr("it crashes"));
  EXPECT_THAT(Select({"b*"}, Machine(), file, {.force = true})->names, ElementsAre("build", "bad"));
}

// Rule: a pattern means the targets that have the action; what they need is not asked for it.
TEST(TargetSelection, PatternsFollowTheAction) {
  const std::string file = std::string(kFile) +
                           "  tested: {toolchain: native, needs: [build], steps: [{name: s, argv: [x]}], "
                           "actions: {test: {steps: [{name: t, argv: [x]}]}}}\n";
  EXPECT_THAT(Select({"all"}, Machine(), file, {.action = "test"})->names, ElementsAre("tested"));
  EXPECT_THAT(std::string(Select({"w*"}, Machine(), file, {.action = "test"}).status().message()),
              HasSubstr("'wasi' has no action 'test'"));
}

// Rule: what fits nothing is a mistake, with the known names.
TEST(TargetSelection, MistakesNameWhatThereIs) {
  const auto pattern = Select({"emscripten-*"}, Machine());
  EXPECT_EQ(pattern.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(pattern.status().message(), "no target fits 'emscripten-*' (targets: build, wasi, wasi-debug)");
  EXPECT_THAT(std::string(Select({"wazi"}, Machine()).status().message()), HasSubstr("there is no target 'wazi'"));
  EXPECT_THAT(std::string(Select({"wasi["}, Machine()).status().message()), HasSubstr("target pattern 'wasi['"));
}

// Rule: a target of that name goes before the word.
TEST(TargetSelection, ATargetMayBeCalledAll) {
  const std::string file =
      "version: 1\ntargets:\n  one: {toolchain: native, steps: [{name: s, argv: [x]}]}\n"
      "  all: {toolchain: native, steps: [{name: s, argv: [x]}]}\n";
  EXPECT_THAT(Select({"all"}, Machine(), file)->names, ElementsAre("all"));
}

}  // namespace
}  // namespace wasmagent::pipeline
