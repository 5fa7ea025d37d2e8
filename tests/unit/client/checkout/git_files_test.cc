#include "client/checkout/git_files.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Tracked files and untracked ones that git does not ignore; a tracked file that matches .gitignore stays.
TEST(GitFiles, TrackedAndUntracked) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "*.o\n");
  tree.Write("tracked.o");
  tree.Write("a b\nc");
  tree.Write("ignored.o");
  tree.Write("new/file");
  tree.Shell("git add -f tracked.o .gitignore && git commit -qm x");
  EXPECT_THAT(ListGitFiles(tree.path()).value(), ElementsAre(".gitignore", "a b\nc", "new/file", "tracked.o"));
}

// Submodules and repositories inside that are no submodules bring their files, each by its own rules.
TEST(GitFiles, SubmodulesAndNestedRepositories) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write("nested/.gitignore", "x\n");
  tree.Write("nested/x");
  tree.Write("nested/y");
  tree.Shell("cd nested && git init -q .");
  tree.Shell(
      "mkdir ../other && cd ../other && git init -q . && git config user.email a@b && git config user.name n && "
      "echo 1 > sub.c && git add . && git commit -qm x");
  tree.Shell("git -c protocol.file.allow=always submodule add -q ../other module");
  tree.Write("module/untracked.c");
  EXPECT_THAT(ListGitFiles(tree.path()).value(),
              ElementsAre(".gitmodules", "module/sub.c", "module/untracked.c", "nested/.gitignore", "nested/y"));
}

// A repository inside that is left out anyway is not asked: it may be broken, or another user's.
TEST(GitFiles, RepositoriesThatAreLeftOutAreNotAsked) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write("a");
  for (const char* folder : {"builddir/dependency", "vendor/x"}) {
    tree.MakeFolder(folder);
    tree.Shell("cd " + std::string(folder) + " && git init -q . && echo '[' > .git/config");
  }
  EXPECT_FALSE(ListGitFiles(tree.path()).ok());
  EXPECT_THAT(ListGitFiles(tree.path(), IgnoreRules("/vendor\n")).value(), ElementsAre("a"));
}

// Called from a hook, git's variables name the hook's repository; the folder's own is meant.
TEST(GitFiles, VariablesOfAHookAreNotInherited) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write("a");
  ::setenv("GIT_DIR", "/nonexistent", 1);
  auto files = ListGitFiles(tree.path());
  ::unsetenv("GIT_DIR");
  EXPECT_THAT(files.value(), ElementsAre("a"));
}

// What git refuses is told in its own words.
TEST(GitFiles, RefusalsAreTold) {
  WorkingTree tree;
  tree.Write(".git", "gitdir: /nonexistent\n");
  auto files = ListGitFiles(tree.path());
  EXPECT_EQ(files.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(files.status().message()), HasSubstr("not a git repository"));
}

// The rule that ignores a path is named with its file and line.
TEST(GitFiles, Reason) {
  WorkingTree tree;
  tree.InitGit();
  tree.Write(".gitignore", "\n*.o\n");
  EXPECT_EQ(GitIgnoreReason(tree.path(), "a.o").value(), ".gitignore:2:*.o");
  EXPECT_EQ(GitIgnoreReason(tree.path(), "a.c").value(), "");
}

}  // namespace
}  // namespace wasmagent::client
