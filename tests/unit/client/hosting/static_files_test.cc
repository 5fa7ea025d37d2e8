#include "client/hosting/static_files.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "platform/file.h"
#include "tests/unit/client/checkout/working_tree.h"

namespace wasmagent::client {
namespace {

using Code = absl::StatusCode;

class StaticFilesTest : public ::testing::Test {
 protected:
  absl::StatusOr<SiteEntry> Find(const std::string& path) { return StaticFiles::Open(tree_.path()).value().Find(path); }
  std::string Content(const std::string& path) {
    auto entry = Find(path);
    return entry.ok() ? platform::ReadAll(entry->fd.get()).value() : entry.status().ToString();
  }
  WorkingTree tree_;
};

// A path means the file that has it, however its parts are separated, and a folder itself.
TEST_F(StaticFilesTest, FindsFilesAndFolders) {
  tree_.Write("a/b c.txt", "text");
  EXPECT_EQ(Content("/a/b c.txt"), "text");
  EXPECT_EQ(Content("//a/.//b c.txt"), "text");
  EXPECT_EQ(Find("//a//b c.txt").value().path, "a/b c.txt");
  EXPECT_TRUE(Find("/a").value().is_folder());
  EXPECT_TRUE(Find("/a/").value().is_folder());
  EXPECT_EQ(Find("/").value().path, "");
  EXPECT_TRUE(Find("/").value().is_folder());
}

// What is not there, and what is no path.
TEST_F(StaticFilesTest, TellsNotFoundFromNonsense) {
  tree_.Write("file");
  for (const char* path : {"/none", "/none/x", "/file/", "/file/x"}) {
    EXPECT_EQ(Find(path).status().code(), Code::kNotFound) << path;
  }
  using std::string_literals::operator""s;
  for (const std::string& path : {""s, "file"s, "/file\0"s, "/fi\0le"s, "http://host/file"s}) {
    EXPECT_EQ(Find(path).status().code(), Code::kInvalidArgument) << path;
  }
}

// Nothing outside the root, neither by dots nor by links of any make; links inside it are followed.
TEST_F(StaticFilesTest, StaysBelowTheRoot) {
  tree_.Write("in/file", "inside");
  tree_.Write("../secret", "s");
  tree_.Write("../src-too/secret", "s");  // a folder whose name begins like the root's
  tree_.Link("to-file", "in/file");
  tree_.Link("in/up-and-down", "../in/file");
  tree_.Link("absolute-inside", tree_.Path("in/file"));
  tree_.Link("out", "../secret");
  tree_.Link("absolute-out", "/etc/passwd");
  tree_.Link("folder-out", "..");
  tree_.Link("neighbour", "../src-too");
  tree_.Link("chain", "folder-out");
  for (const char* path : {"/to-file", "/in/up-and-down", "/absolute-inside"})
    EXPECT_EQ(Content(path), "inside") << path;
  for (const char* path : {"/../secret", "/in/../in/file", "/..", "/out", "/absolute-out", "/folder-out/", "/neighbour",
                           "/folder-out/secret", "/neighbour/secret", "/chain/secret"}) {
    auto found = Find(path);
    EXPECT_EQ(found.status().code(), Code::kPermissionDenied) << path;
    EXPECT_EQ(std::string(found.status().message()).find(tree_.path()), std::string::npos) << found.status();
  }
}

// A repository is not part of the site: not its folder, not a worktree's file, not by a link or in other letters.
TEST_F(StaticFilesTest, KeepsGitsFiles) {
  tree_.Write(".git/config", "token");
  tree_.Write("sub/.git", "gitdir: elsewhere");
  tree_.Write(".gitignore", "build/");
  tree_.Write(".GIT/config", "token");
  tree_.Link("way", ".git");
  for (const char* path : {"/.git", "/.git/", "/.git/config", "/sub/.git", "/.GIT/config", "/way/config", "/way/"}) {
    EXPECT_EQ(Find(path).status().code(), Code::kPermissionDenied) << path;
  }
  EXPECT_EQ(Content("/.gitignore"), "build/");
}

// A pipe would hold the server up, and a device does things when it is opened.
TEST_F(StaticFilesTest, ServesFilesAndFoldersOnly) {
  ASSERT_EQ(::mkfifo(tree_.Path("pipe").c_str(), 0600), 0);
  tree_.Link("device", "/dev/zero");
  EXPECT_EQ(Find("/pipe").status().code(), Code::kPermissionDenied);
  EXPECT_EQ(Find("/device").status().code(), Code::kPermissionDenied);
}

}  // namespace
}  // namespace wasmagent::client
