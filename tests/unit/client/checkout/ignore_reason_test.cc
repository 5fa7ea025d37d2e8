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

// A repository inside answers for its own files, and one that is ignored has none.
TEST(IgnoreReason, AsksTheRepositoryInside) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "/skipped\n");
  for (const char* folder : {"module", "skipped"}) {
    tree.Write(std::string(folder) + "/.gitignore", "*.o\n");
    tree.Write(std::string(folder) + "/a.o");
    tree.Write(std::string(folder) + "/a.c");
    tree.Shell(
        "cd " + std::string(folder) +
        " && git init -q . && git config user.email a@b && git config user.name n && git add . && git commit -qm x");
  }
  tree.Shell("git add module && git commit -qm x");
  EXPECT_EQ(Why(tree, "module/a.o").rule, ".gitignore:1:*.o");
  EXPECT_FALSE(Why(tree, "module/a.c").ignored);
  EXPECT_EQ(Why(tree, "skipped/a.c").rule, ".gitignore:1:/skipped");
}

// As in a scan, a link in the place of products is left out and a file of that name is not.
TEST(IgnoreReason, ALinkInThePlaceOfProducts) {
  WorkingTree tree;
  tree.Link("builddir", "elsewhere");
  EXPECT_TRUE(Why(tree, "builddir").ignored);
  WorkingTree other;
  other.Write("builddir");
  EXPECT_FALSE(Why(other, "builddir").ignored);
}

// As in a scan, what a repository further up ignores as a whole is not git's.
TEST(IgnoreReason, ACheckoutThatARepositoryAboveIgnores) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "/inner\n");
  tree.Write("inner/a.c");
  Checkout inner = tree.checkout();
  inner.path += "/inner";
  EXPECT_FALSE(ExplainPath(inner, "a.c")->ignored);
}

// A path outside of the checkout is refused.
TEST(IgnoreReason, OutsideIsRefused) {
  WorkingTree tree;
  EXPECT_FALSE(ExplainPath(tree.checkout(), "/etc/passwd").ok());
  EXPECT_FALSE(ExplainPath(tree.checkout(), "a/../../b").ok());
}

}  // namespace
}  // namespace wasmagent::client
