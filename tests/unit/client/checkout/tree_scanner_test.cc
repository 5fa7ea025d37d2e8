#include "client/checkout/tree_scanner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

// A clock that stands an hour ahead: files written just now are old enough to be trusted.
platform::ManualClock Later() { return platform::ManualClock(absl::Now() + absl::Hours(1)); }

ScannedTree Scan(const WorkingTree& tree, const platform::Clock& clock, ScanOptions options = {}) {
  auto scanned = ScanCheckout(tree.checkout(), options, clock);
  EXPECT_TRUE(scanned.ok()) << scanned.status();
  return scanned.ok() ? *scanned : ScannedTree();
}

// The second scan reads nothing and finds the same root; the cache has no part in what the root is.
TEST(TreeScanner, SecondScanReadsNothing) {
  WorkingTree tree;
  tree.Write("a", "1");
  tree.Write("b/c", "22");
  tree.Link("l", "a");
  auto clock = Later();
  ScannedTree first = Scan(tree, clock);
  ScannedTree second = Scan(tree, clock);
  EXPECT_EQ(first.hashed_files, 2U);
  EXPECT_EQ(second.hashed_files, 0U);
  EXPECT_EQ(first.tree.root, second.tree.root);
  EXPECT_EQ(first.tree.root, Scan(tree, clock, {.use_stat_cache = false}).tree.root);
  EXPECT_EQ(first.tree.files, 2U);
  EXPECT_EQ(first.tree.bytes, 3U);
}

// Guarantee 1: an edit of the same size with the times put back is seen, since ctime cannot be put back.
TEST(TreeScanner, SameSizeAndMtimeIsSeen) {
  WorkingTree tree;
  tree.Write("a", "one");
  auto clock = Later();
  ScannedTree first = Scan(tree, clock);
  struct stat before;
  ASSERT_EQ(::stat(tree.Path("a").c_str(), &before), 0);
  tree.Write("a", "two");
  timespec times[2] = {before.st_atim, before.st_mtim};
  ASSERT_EQ(::utimensat(AT_FDCWD, tree.Path("a").c_str(), times, 0), 0);
  ScannedTree second = Scan(tree, clock);
  EXPECT_EQ(second.hashed_files, 1U);
  EXPECT_NE(first.tree.root, second.tree.root);
}

// Guarantee 1: files that were written just before a scan are read again by the next.
TEST(TreeScanner, FreshFilesAreReadAgain) {
  WorkingTree tree;
  tree.Write("a", "one");
  platform::SystemClock clock;
  Scan(tree, clock);
  EXPECT_EQ(Scan(tree, clock).hashed_files, 1U);
}

// Mode, kind, name and content all change the root; removing a file brings the old root back.
TEST(TreeScanner, EverythingThatIsContentChangesTheRoot) {
  WorkingTree tree;
  tree.Write("a", "one");
  auto clock = Later();
  auto start = Scan(tree, clock).tree.root;
  ASSERT_EQ(::chmod(tree.Path("a").c_str(), 0755), 0);
  EXPECT_NE(Scan(tree, clock).tree.root, start);
  ASSERT_EQ(::chmod(tree.Path("a").c_str(), 0644), 0);
  EXPECT_EQ(Scan(tree, clock).tree.root, start);
  tree.MakeFolder("empty");
  EXPECT_NE(Scan(tree, clock).tree.root, start);
}

// .wasmignore works on top of git's rules, and the place of products is left out even when git tracks it; other folders
// that are called alike are git's.
TEST(TreeScanner, GitAndWasmignore) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "*.o\n");
  tree.Write(".wasmignore", "docs/\n");
  tree.Write("a.c");
  tree.Write("a.o");
  tree.Write("docs/big");
  tree.Write("builddir/x");
  tree.Write("builddir-scripts/y");
  tree.Shell("git add -A && git commit -qm x");
  auto clock = Later();
  ScannedTree scanned = Scan(tree, clock);
  std::vector<std::string> paths;
  for (const auto& file : scanned.files) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::ElementsAre(".gitignore", ".wasmignore", "a.c", "builddir-scripts/y"));
}

// A repository that was added without being made a submodule brings its files: git lists nothing but its folder.
TEST(TreeScanner, ARepositoryThatWasAddedBringsItsFiles) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write("inner/x.c");
  tree.Shell(
      "cd inner && git init -q . && git config user.email a@b && git config user.name n && git add . && git commit -qm "
      "x");
  tree.Shell("git add inner 2>/dev/null && git commit -qm x");
  ScannedTree scanned = Scan(tree, Later());
  ASSERT_EQ(scanned.files.size(), 1U);
  EXPECT_EQ(scanned.files[0].path, "inner/x.c");
}

// A file that cannot be read is named. (Root reads everything: then there is nothing to see.)
TEST(TreeScanner, UnreadableFilesAreNamed) {
  if (::getuid() == 0) GTEST_SKIP() << "root can read every file";
  WorkingTree tree;
  tree.Write("secret");
  ASSERT_EQ(::chmod(tree.Path("secret").c_str(), 0), 0);
  auto scanned = ScanCheckout(tree.checkout(), {}, platform::SystemClock());
  EXPECT_EQ(scanned.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(scanned.status().message()), testing::HasSubstr("secret"));
}

// An empty checkout has a root too.
TEST(TreeScanner, EmptyCheckout) {
  WorkingTree tree;
  EXPECT_EQ(Scan(tree, Later()).tree.root, content::Digest::Empty());
}

}  // namespace
}  // namespace wasmagent::client
