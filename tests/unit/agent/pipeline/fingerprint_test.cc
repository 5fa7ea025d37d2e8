#include "agent/pipeline/fingerprint.h"

#include <functional>

#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

std::string Of(const std::function<void(Fingerprint&)>& add) {
  Fingerprint fingerprint;
  add(fingerprint);
  return fingerprint.Hex();
}

// Rule: facts cannot run into one another.
TEST(Fingerprint, FactsStayApart) {
  EXPECT_NE(Of([](Fingerprint& f) {
              f.AddText("a", "b");
              f.AddText("c", "");
            }),
            Of([](Fingerprint& f) { f.AddText("a", "b\nc 0 "); }));
  EXPECT_NE(Of([](Fingerprint& f) { f.AddText("a", "x"); }), Of([](Fingerprint& f) { f.AddText("b", "x"); }));
}

// Rule: a file's identity is path, size and time; its content is its bytes; a missing file is a fact too.
TEST(Fingerprint, Files) {
  const ScratchFolder scratch;
  scratch.Write("x", "1");
  const auto identity = [&] { return Of([&](Fingerprint& f) { f.AddFileIdentity("x", scratch / "x"); }); };
  const auto content = [&] { return Of([&](Fingerprint& f) { f.AddFileContent("x", scratch / "x"); }); };
  const std::string first_identity = identity(), first_content = content();
  EXPECT_EQ(identity(), first_identity);
  std::filesystem::last_write_time(scratch / "x",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_NE(identity(), first_identity);
  EXPECT_EQ(content(), first_content);
  scratch.Write("x", "2");
  EXPECT_NE(content(), first_content);
  std::filesystem::remove(scratch / "x");
  EXPECT_NE(content(), first_content);
}

}  // namespace
}  // namespace wasmagent::pipeline
