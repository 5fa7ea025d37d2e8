#include "platform/directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "platform/file.h"

namespace wasmagent::platform {
namespace {

class DirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = MakeTemporaryDirectory(::testing::TempDir(), "dir").value(); }
  void TearDown() override { EXPECT_TRUE(RemoveTree(folder_).ok()); }
  std::string folder_;
};

// Folders are made with those above them; a file in the way is an error.
TEST_F(DirectoryTest, MakesFolders) {
  EXPECT_TRUE(MakeDirectories(folder_ + "/a/b/c").ok());
  EXPECT_TRUE(MakeDirectories(folder_ + "/a/b/c/").ok());
  EXPECT_TRUE(MakeDirectories(folder_ + "/a/b").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", "", 0600, false).ok());
  EXPECT_FALSE(MakeDirectories(folder_ + "/f").ok());
  EXPECT_FALSE(MakeDirectories(folder_ + "/f/g").ok());
}

// A whole tree goes, folders without permissions too; a link goes and what it points to stays.
TEST_F(DirectoryTest, RemovesTreesAndFollowsNoLink) {
  ASSERT_TRUE(MakeDirectories(folder_ + "/gone/locked/in").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/gone/locked/in/f", "", 0400, false).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/stays", "s", 0600, false).ok());
  ASSERT_TRUE(MakeDirectories(folder_ + "/stays.d/x").ok());
  ASSERT_EQ(::symlink("../stays.d", (folder_ + "/gone/link").c_str()), 0);
  ASSERT_EQ(::chmod((folder_ + "/gone/locked").c_str(), 0), 0);
  absl::Status removed = RemoveTree(folder_ + "/gone");
  EXPECT_TRUE(removed.ok()) << removed;
  EXPECT_TRUE(RemoveTree(folder_ + "/gone").ok());
  EXPECT_EQ(ListDirectory(folder_).value().size(), 2U);
  EXPECT_EQ(ListDirectory(folder_ + "/stays.d").value().size(), 1U);
  EXPECT_TRUE(RemoveTree(folder_ + "/stays").ok());
}

// A path of 600 levels, longer than PATH_MAX, is removed.
TEST_F(DirectoryTest, RemovesADeepTree) {
  auto at = OpenAt(AT_FDCWD, folder_, O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "level-with-a-name", 0755), 0);
    at = OpenAt(at.get(), "level-with-a-name", O_RDONLY | O_DIRECTORY).value();
  }
  absl::Status removed = RemoveTree(folder_ + "/level-with-a-name");
  EXPECT_TRUE(removed.ok()) << removed;
}

// Disk use counts an inode once, however many names it has.
TEST_F(DirectoryTest, CountsAnInodeOnce) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", std::string(100'000, 'x'), 0600).ok());
  uint64_t before = DiskUse(folder_).value();
  EXPECT_GE(before, 100'000U);
  ASSERT_EQ(::link((folder_ + "/f").c_str(), (folder_ + "/g").c_str()), 0);
  EXPECT_EQ(DiskUse(folder_).value(), before);
  EXPECT_GT(FreeBytes(folder_).value(), 0U);
}

}  // namespace
}  // namespace wasmagent::platform
