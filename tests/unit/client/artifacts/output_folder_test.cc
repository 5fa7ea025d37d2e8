#include "client/artifacts/output_folder.h"

#include "gtest/gtest.h"

namespace wasmagent::client {
namespace {

TEST(OutputFolder, IsTheTargetsOwn) {
  EXPECT_EQ(*OutputFolder("/src", "", "wasi"), "/src/builddir/wasi");
  EXPECT_EQ(*OutputFolder("/src", "/out", "wasi-3.11"), "/out/wasi-3.11");
}

// Rule: an agent cannot choose a folder: its word is one name below the usual place, or refused.
TEST(OutputFolder, NamesThatLeadElsewhereAreRefused) {
  for (const char* name : {"", ".", "..", ".git", "../x", "a/b", "/etc", "a\\b", "a b", "a\n"}) {
    EXPECT_EQ(OutputFolder("/src", "", name).status().code(), absl::StatusCode::kDataLoss) << name;
  }
}

}  // namespace
}  // namespace wasmagent::client
