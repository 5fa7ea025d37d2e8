#include "client/checkout/directory_walk.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/file.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Paths(const FoundTree& tree) {
  std::vector<std::string> paths;
  for (const FoundEntry& entry : tree.entries) paths.push_back(entry.path);
  return paths;
}

absl::StatusOr<FoundTree> Walk(const WorkingTree& tree, const std::string& rules = "") {
  auto root = platform::OpenAt(AT_FDCWD, tree.path(), O_RDONLY | O_DIRECTORY);
  return WalkFolder(root->get(), IgnoreRules(rules));
}

// Everything is found but builddir* at the root, .git anywhere and cache folders; empty folders are found too.
TEST(DirectoryWalk, FindsAllButWhatIsLeftOut) {
  WorkingTree tree;
  tree.Write("a/b.c");
  tree.Write("builddir-x/a");
  tree.Write("a/builddir/b");
  tree.Write(".git/config");
  tree.Write("a/.git", "gitdir: elsewhere");
  tree.Write("cache/CACHEDIR.TAG", std::string(kCacheSignature) + "\n");
  tree.Write("cache/data");
  tree.Write("nocache/CACHEDIR.TAG", "something else");
  tree.MakeFolder("empty/inner");
  auto found = Walk(tree);
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(Paths(*found), ElementsAre("a/b.c", "a/builddir/b", "empty/inner", "nocache/CACHEDIR.TAG"));
}

// A file called builddir at the root is a file like any other; a link of that name is the user's place for products.
TEST(DirectoryWalk, BuilddirMustBeAFolder) {
  WorkingTree tree;
  tree.Write("builddir.txt");
  ASSERT_EQ(::symlink("/tmp", tree.Path("builddir").c_str()), 0);
  EXPECT_THAT(Paths(Walk(tree).value()), ElementsAre("builddir.txt"));
}

// Kinds: the owner's x makes a file executable; links keep their text and are not followed, wherever they point.
TEST(DirectoryWalk, KindsAndLinks) {
  WorkingTree tree;
  tree.Write("file");
  tree.Write("tool");
  tree.Write("others");
  ASSERT_EQ(::chmod(tree.Path("tool").c_str(), 0700), 0);
  ASSERT_EQ(::chmod(tree.Path("others").c_str(), 0655), 0);
  tree.Link("out", "../../etc");
  tree.Link("loop", "loop");
  FoundTree found = Walk(tree).value();
  ASSERT_THAT(Paths(found), ElementsAre("file", "loop", "others", "out", "tool"));
  EXPECT_EQ(found.entries[0].kind, content::EntryKind::kFile);
  EXPECT_EQ(found.entries[1].kind, content::EntryKind::kSymlink);
  EXPECT_EQ(found.entries[2].kind, content::EntryKind::kFile);
  EXPECT_EQ(found.entries[3].target, "../../etc");
  EXPECT_EQ(found.entries[4].kind, content::EntryKind::kExecutable);
}

// Sockets and pipes are left out with a warning that names them; they are never opened.
TEST(DirectoryWalk, SpecialFilesAreLeftOutWithAWarning) {
  WorkingTree tree;
  ASSERT_EQ(::mkfifo(tree.Path("pipe").c_str(), 0600), 0);
  FoundTree found = Walk(tree).value();
  EXPECT_TRUE(found.entries.empty());
  EXPECT_THAT(found.warnings, ElementsAre(HasSubstr("pipe is a named pipe")));
}

// A name that the protocol cannot carry is refused by name, escaped.
TEST(DirectoryWalk, NamesThatCannotBeCarriedAreRefused) {
  WorkingTree tree;
  tree.Write("a/bad\xff");
  auto found = Walk(tree);
  EXPECT_EQ(found.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(found.status().message()), HasSubstr("a/bad\\xff"));
  EXPECT_TRUE(Walk(tree, "bad*").ok());
}

// A tree of 400 levels is walked, also when its paths are longer than the kernel takes in one piece.
TEST(DirectoryWalk, DeepTrees) {
  WorkingTree tree;
  ASSERT_EQ(::chdir(tree.path().c_str()), 0);
  std::string path;
  const std::string name = "a-name-of-some-length";
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(::mkdir(name.c_str(), 0700), 0);
    ASSERT_EQ(::chdir(name.c_str()), 0);
    path += name + "/";
  }
  ASSERT_EQ(::close(::open("file", O_CREAT | O_WRONLY, 0600)), 0);
  ASSERT_EQ(::chdir("/"), 0);
  FoundTree found = Walk(tree).value();
  EXPECT_THAT(Paths(found), ElementsAre(path + "file"));
}

// Listed paths: gone ones are dropped, one below a folder that has become a link too, and the rules are applied.
TEST(DirectoryWalk, ListedPathsAreLookedAt) {
  WorkingTree tree;
  tree.Write("a/kept");
  tree.Write("real/x");
  tree.Link("link", "real");
  tree.Write("builddir/x");
  tree.Write("skip/x");
  auto root = platform::OpenAt(AT_FDCWD, tree.path(), O_RDONLY | O_DIRECTORY);
  auto found = FindListed(root->get(), {"a/gone", "a/kept", "builddir/x", "gone/x", "link", "link/x", "skip/x"},
                          IgnoreRules("skip/"));
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(Paths(*found), ElementsAre("a/kept", "link"));
}

}  // namespace
}  // namespace wasmagent::client
