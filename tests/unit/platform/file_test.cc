#include "platform/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "gtest/gtest.h"
#include "platform/directory.h"

namespace wasmagent::platform {
namespace {

class FileTest : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = MakeTemporaryDirectory(::testing::TempDir(), "file").value(); }
  void TearDown() override { EXPECT_TRUE(RemoveTree(folder_).ok()); }
  std::string folder_;
};

// A file is replaced whole, with its mode, and no temporary file stays, whether that worked or not.
TEST_F(FileTest, IsReplacedAtomically) {
  std::string path = folder_ + "/f";
  ASSERT_TRUE(WriteFileAtomically(path, "one", 0640).ok());
  ASSERT_TRUE(WriteFileAtomically(path, "two", 0640, false).ok());
  EXPECT_EQ(ReadFile(path).value(), "two");
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0640});
  ASSERT_TRUE(MakeDirectories(folder_ + "/d/x").ok());
  EXPECT_FALSE(WriteFileAtomically(folder_ + "/d", "three").ok());
  EXPECT_EQ(ListDirectory(folder_).value().size(), 2U);
}

// Reading stops at the limit, and takes files whose size the kernel does not know.
TEST_F(FileTest, ReadsWithinALimit) {
  std::string bytes(100'000, 'b');
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", bytes, 0600, false).ok());
  EXPECT_EQ(ReadFile(folder_ + "/f").value(), bytes);
  EXPECT_EQ(ReadFile(folder_ + "/f", 100'000).value(), bytes);
  EXPECT_EQ(ReadFile(folder_ + "/f", 99'999).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(ReadFile("/proc/self/status").value().empty());
  EXPECT_EQ(ReadFile(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
}

// What somebody puts in a file's place is refused: a pipe is not waited for, a link not followed.
TEST_F(FileTest, ReadsRegularFilesOnly) {
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/f", "text", 0600, false).ok());
  ASSERT_EQ(::symlink("f", (folder_ + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadRegularFile(folder_ + "/f").value(), "text");
  for (const char* name : {"/link", "/pipe", ""}) {
    EXPECT_EQ(ReadRegularFile(folder_ + name).status().code(), absl::StatusCode::kFailedPrecondition) << name;
  }
  EXPECT_EQ(ReadRegularFile(folder_ + "/none").status().code(), absl::StatusCode::kNotFound);
}

// Nothing beneath a folder leads out of it: no link, no "..", no absolute path.
TEST_F(FileTest, OpensBeneathOnly) {
  ASSERT_TRUE(MakeDirectories(folder_ + "/in/sub").ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/secret", "s", 0600, false).ok());
  ASSERT_TRUE(WriteFileAtomically(folder_ + "/in/sub/f", "f", 0600, false).ok());
  ASSERT_EQ(::symlink("../secret", (folder_ + "/in/link").c_str()), 0);
  ASSERT_EQ(::symlink("sub", (folder_ + "/in/dirlink").c_str()), 0);
  auto in = OpenAt(AT_FDCWD, folder_ + "/in", O_RDONLY | O_DIRECTORY).value();
  EXPECT_TRUE(OpenBeneath(in.get(), "sub/f", O_RDONLY).ok());
  for (const char* path : {"../secret", "link", "dirlink/f", "/etc/passwd", "sub/../../secret"}) {
    EXPECT_FALSE(OpenBeneath(in.get(), path, O_RDONLY).ok()) << path;
  }
}

// A descriptor tells where its file is, however it was reached, and wherever it has gone since.
TEST_F(FileTest, KnowsThePathOfADescriptor) {
  std::string folder = std::filesystem::canonical(folder_);
  ASSERT_TRUE(MakeDirectories(folder + "/d").ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/d/f", "f", 0600, false).ok());
  ASSERT_EQ(::symlink("d/../d/f", (folder + "/link").c_str()), 0);
  auto fd = OpenAt(AT_FDCWD, folder + "/link", O_PATH).value();
  EXPECT_EQ(PathOf(fd.get()).value(), folder + "/d/f");
  std::filesystem::rename(folder + "/d", folder + "/e");
  EXPECT_EQ(PathOf(fd.get()).value(), folder + "/e/f");
  EXPECT_FALSE(PathOf(-1).ok());
}

// A copy has the same bytes, empty and large.
TEST_F(FileTest, CopiesContents) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{3'000'000}}) {
    ASSERT_TRUE(WriteFileAtomically(folder_ + "/from", std::string(size, 'c'), 0600, false).ok());
    auto from = OpenAt(AT_FDCWD, folder_ + "/from", O_RDONLY).value();
    auto to = OpenAt(AT_FDCWD, folder_ + "/to", O_WRONLY | O_CREAT | O_TRUNC, 0600).value();
    ASSERT_TRUE(CopyContents(from.get(), to.get()).ok());
    EXPECT_EQ(ReadFile(folder_ + "/to").value(), std::string(size, 'c'));
  }
}

}  // namespace
}  // namespace wasmagent::platform
