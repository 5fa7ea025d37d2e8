#include "agent/pipeline/paths.h"

#include "gtest/gtest.h"

namespace wasmagent::pipeline {
namespace {

// Rule: one path has one spelling.
TEST(Paths, NormalForm) {
  EXPECT_EQ(NormalPath("a//b/./c/"), "a/b/c");
  EXPECT_EQ(NormalPath("a/b/../c"), "a/c");
  EXPECT_EQ(NormalPath("a/.."), ".");
  EXPECT_EQ(NormalPath(""), ".");
  EXPECT_EQ(NormalPath("../x/.."), "..");
  EXPECT_EQ(NormalPath("../../x"), "../../x");
}

// Rule: the way between two folders goes up to what they share and down from there.
TEST(Paths, RelativeWay) {
  EXPECT_EQ(RelativePath("builddir/wasi", "."), "../..");
  EXPECT_EQ(RelativePath(".", "."), ".");
  EXPECT_EQ(RelativePath(".", "a/b"), "a/b");
  EXPECT_EQ(RelativePath("a/b", "a/c/d"), "../c/d");
}

// Rule: a path that is none inside the source tree is told apart.
TEST(Paths, Problems) {
  EXPECT_EQ(RelativePathProblem("."), "");
  EXPECT_EQ(RelativePathProblem("a/../b"), "");
  EXPECT_NE(RelativePathProblem(""), "");
  EXPECT_NE(RelativePathProblem("/a"), "");
  EXPECT_NE(RelativePathProblem("a/../.."), "");
}

}  // namespace
}  // namespace wasmagent::pipeline
