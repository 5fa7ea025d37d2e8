#include "client/checkout/ignore_reason.h"

#include "client/checkout/directory_walk.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

IgnoreReason Why(const WorkingTree& tree, const std::string& path) {
  return ExplainPath(tree.checkout(), path).value();
}

// Each kind of rule is named, also when it decides about a folder further up.
TEST(IgnoreReason, NamesTheRule) {
  WorkingTree tree;
  tree.Write(".wasmignore", "# c\n*.tmp\n");
  tree.Write("a.c");
  tree.Write("x/a.tmp");
  tree.Write("builddir/wasi/a");
  tree.Write("cache/CACHEDIR.TAG", kCacheSignature);
  tree.Write("cache/deep/a");
  EXPECT_FALSE(Why(tree, "a.c").ignored);
  EXPECT_EQ(Why(tree, "x/a.tmp").rule, ".wasmignore:2:*.tmp");
  EXPECT_TRUE(Why(tree, tree.Path("builddir/wasi/a")).ignored);
  EXPECT_EQ(Why(tree, "cache/deep/a").rule, "cache/CACHEDIR.TAG marks a cache");
  EXPECT_EQ(Why(tree, "nothing").rule, "there is no such file");
}

// In a git checkout git's own rule is named.
TEST(IgnoreReason, NamesGitsRule) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "*.o\n");
  tree.Write("a.o");
  EXPECT_EQ(Why(tree, "a.o").rule, ".gitignore:1:*.o");
  EXPECT_FALSE(Why(tree, ".gitignore").ignored);
}

// A path outside of the checkout is refused.
TEST(IgnoreReason, OutsideIsRefused) {
  WorkingTree tree;
  EXPECT_FALSE(ExplainPath(tree.checkout(), "/etc/passwd").ok());
  EXPECT_FALSE(ExplainPath(tree.checkout(), "a/../../b").ok());
}

}  // namespace
}  // namespace wasmagent::client
