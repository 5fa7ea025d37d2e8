#include "agent/pipeline/node_flags.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

using ::testing::ElementsAre;

// Rule: a flag is taken when node ran with it, and only then.
TEST(NodeFlags, AreTried) {
  const ScratchFolder scratch;
  scratch.Write("node", "#!/bin/sh\ncase $1 in\n*-threads|*-bigint) echo \"$0: bad option: $1\" >&2; exit 9 ;;\nesac\n",
                true);
  EXPECT_THAT(
      ProbeNodeFlags(scratch / "node", "/bin"),
      ElementsAre("--experimental-wasm-bulk-memory", "--experimental-wasm-memory64",
                  "--experimental-wasm-stack-switching", "--experimental-wasm-jspi", "--experimental-wasm-exnref"));
  EXPECT_TRUE(ProbeNodeFlags(scratch / "none", "/bin").empty());
}

}  // namespace
}  // namespace wasmagent::pipeline
