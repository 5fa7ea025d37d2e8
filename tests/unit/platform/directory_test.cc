#include "platform/directory.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
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

// What cannot be removed stays as it is, and so does what a link points to: access is given to folders alone.
TEST_F(DirectoryTest, GivesAccessToNothingBehindALink) {
  // Root may remove everything: it is somebody else for this.
  constexpr uid_t kNobody = 65534;
  ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
  ASSERT_TRUE(MakeDirectories(folder_ + "/other", 0711).ok());
  ASSERT_TRUE(MakeDirectories(folder_ + "/locked").ok());
  ASSERT_EQ(::symlink("../other", (folder_ + "/locked/link").c_str()), 0);
  const bool root = ::geteuid() == 0;
  for (const char* name : {"/other", "/locked"}) {
    EXPECT_EQ(root ? ::chown((folder_ + name).c_str(), kNobody, kNobody) : 0, 0);
  }
  ASSERT_EQ(::chmod((folder_ + "/locked").c_str(), 0555), 0);
  ASSERT_EQ(root ? ::seteuid(kNobody) : 0, 0);
  EXPECT_TRUE(absl::IsPermissionDenied(RemoveTree(folder_ + "/locked/link")));
  struct stat info = {};
  EXPECT_EQ(::stat((folder_ + "/other").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0711U);
  EXPECT_EQ(::chmod((folder_ + "/locked").c_str(), 0755), 0);
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
}

// Folders below a descriptor are made where their path says: a link or file in the way goes or is refused, and nothing
// is made behind it.
TEST_F(DirectoryTest, MakesFoldersBeneath) {
  auto at = OpenAt(AT_FDCWD, folder_, O_RDONLY | O_DIRECTORY).value();
  ASSERT_TRUE(MakeDirectories(folder_ + "/outside").ok());
  ASSERT_TRUE(MakeDirectoriesBeneath(at.get(), "a/./b//c", InTheWay::kRefuse).ok());
  EXPECT_TRUE(MakeDirectoriesBeneath(at.get(), "a/b/c", InTheWay::kRefuse).ok());
  EXPECT_EQ(ListDirectory(folder_ + "/a/b").value().size(), 1U);
  EXPECT_FALSE(MakeDirectoriesBeneath(at.get(), "a/../../x", InTheWay::kReplace).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/file", "", 0600, false).ok());
  ASSERT_EQ(::symlink((folder_ + "/outside").c_str(), (folder_ + "/link").c_str()), 0);
  for (const char* path : {"link/new", "file/new"}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(MakeDirectoriesBeneath(at.get(), path, InTheWay::kRefuse).status())) << path;
    auto made = MakeDirectoriesBeneath(at.get(), path, InTheWay::kReplace);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ(::mkdirat(made->get(), "in", 0755), 0);
    EXPECT_EQ(ListDirectory(folder_ + "/" + path).value().size(), 1U);
  }
  EXPECT_TRUE(ListDirectory(folder_ + "/outside").value().empty());
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
  EXPECT_GE(TotalBytes(folder_).value(), FreeBytes(folder_).value());
}

// Makes `levels` folders, each in the one before, with a file in the last.
void MakeDeep(const std::string& path, int levels) {
  ASSERT_TRUE(MakeDirectories(path).ok());
  ScopedFd at = OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY).value();
  for (int i = 0; i < levels; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    at = OpenAt(at.get(), "d", O_RDONLY | O_DIRECTORY).value();
  }
  ASSERT_TRUE(OpenAt(at.get(), "file", O_WRONLY | O_CREAT, 0600).ok());
}

// Runs with few descriptors and the smallest stack that a thread may have in practice.
void RunConfined(void* (*run)(void*), void* argument) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = {200, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  ASSERT_EQ(::pthread_create(&thread, &attributes, run, argument), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ASSERT_EQ(::pthread_attr_destroy(&attributes), 0);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

// A build may nest folders without end: they are counted and removed with few descriptors and little stack, also where
// the build took the names that removal would use.
TEST_F(DirectoryTest, CountsAndRemovesAnyNumberOfLevels) {
  std::string path = folder_ + "/deep";
  ASSERT_NO_FATAL_FAILURE(MakeDeep(path, 30'000));
  ASSERT_NO_FATAL_FAILURE(MakeDeep(path + "/second", 200));
  ASSERT_TRUE(MakeDirectories(path + "/deep-0/full").ok());
  ASSERT_TRUE(WriteFileAtomically(path + "/deep-1", "", 0600, false).ok());
  ASSERT_TRUE(WriteFileAtomically(path + "/second/f", std::string(1 << 20, 'x'), 0600, false).ok());
  struct Results {
    std::string path;
    absl::StatusOr<uint64_t> use;
    absl::Status removed;
  } results{path, absl::UnknownError(""), absl::UnknownError("")};
  ASSERT_NO_FATAL_FAILURE(RunConfined(
      [](void* argument) -> void* {
        auto& out = *static_cast<Results*>(argument);
        out.use = DiskUse(out.path);
        out.removed = RemoveTree(out.path);
        return nullptr;
      },
      &results));
  ASSERT_TRUE(results.use.ok()) << results.use.status();
  EXPECT_GE(*results.use, 1U << 20);
  EXPECT_TRUE(results.removed.ok()) << results.removed;
  EXPECT_TRUE(ListDirectory(folder_).value().empty());
}

}  // namespace
}  // namespace wasmagent::platform
