#include "agent/store/blob_files.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <optional>

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::HasSubstr;

class BlobFilesTest : public StoreParts {
 protected:
  StagedBlob StageText(const std::string& bytes) { return files_.StageBytes(Digest::Of(bytes), bytes).value(); }
  absl::Status Publish(StagedBlob blob) {
    std::vector<StagedBlob> one;
    one.push_back(std::move(blob));
    return files_.Publish(std::move(one));
  }
  // A file outside the store.
  platform::ScopedFd Source(const std::string& bytes) {
    EXPECT_TRUE(platform::WriteFileAtomically(directory_ + "/source", bytes, 0644, false).ok());
    return platform::OpenAt(AT_FDCWD, directory_ + "/source", O_RDONLY).value();
  }
};

// A staged blob is not in the store, and leaves nothing when it is given up.
TEST_F(BlobFilesTest, AStagedFileThatIsNotPublishedGoes) {
  {
    StagedBlob staged = StageText("bytes");
    StagedBlob moved = std::move(staged);
    EXPECT_EQ(FilesIn("tmp"), 1U);
    EXPECT_FALSE(index_.Find(moved.digest.hash));
  }
  EXPECT_EQ(FilesIn("tmp"), 0U);
}

// A published blob is in its place, read-only, known to the index with the present time and its kind.
TEST_F(BlobFilesTest, PublishMakesPresent) {
  auto tree = content::BuildTree({FileEntry("a", Digest::Of("a"))}).value();
  std::vector<StagedBlob> blobs;
  blobs.push_back(StageText("text"));
  blobs.push_back(StageText(tree.directories[0].second));
  ASSERT_TRUE(files_.Publish(std::move(blobs)).ok());
  EXPECT_EQ(platform::ReadFile(PathOf(Digest::Of("text"))).value(), "text");
  EXPECT_EQ(FilesIn("tmp"), 0U);
  struct stat info;
  ASSERT_EQ(::stat(PathOf(Digest::Of("text")).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0444U);
  auto text = index_.Find(Digest::Of("text").hash);
  EXPECT_EQ(text->last_use, 1'000'000U);
  EXPECT_EQ(text->kind, static_cast<uint64_t>(BlobKind::kLeaf));
  EXPECT_EQ(index_.Find(tree.root.hash)->kind, static_cast<uint64_t>(BlobKind::kDirectory));
}

// Many blobs share their flushes: one before the names, one after; a handful need none of the whole disk.
TEST_F(BlobFilesTest, ManyShareOneFlush) {
  ASSERT_TRUE(Publish(StageText("alone")).ok());
  EXPECT_EQ(flush_.flushes(), 0U);
  std::vector<StagedBlob> blobs;
  for (int i = 0; i < 100; ++i) {
    blobs.push_back(StageText("blob " + std::to_string(i)));
    blobs.back().CloseFile();
  }
  ASSERT_TRUE(files_.Publish(std::move(blobs)).ok());
  EXPECT_EQ(flush_.flushes(), 2U);
  EXPECT_EQ(index_.Totals().first, 101U);
}

// The same blob twice, in one call or two, is one blob.
TEST_F(BlobFilesTest, PublishingAgainIsNoError) {
  std::vector<StagedBlob> twice;
  twice.push_back(StageText("same"));
  twice.push_back(StageText("same"));
  ASSERT_TRUE(files_.Publish(std::move(twice)).ok());
  ASSERT_TRUE(Publish(StageText("same")).ok());
  EXPECT_EQ(index_.Totals(), std::pair(uint64_t{1}, uint64_t{4}));
  EXPECT_TRUE(files_.Publish({}).ok());
}

// When publishing fails, nothing of it counts as present, nothing stays in tmp/, and nothing stays pinned.
TEST_F(BlobFilesTest, AFailedPublishPromisesNothing) {
  StagedBlob staged = StageText("text");
  ASSERT_TRUE(platform::RemoveTree(directory_ + "/tmp").ok());
  std::vector<StagedBlob> blobs;
  blobs.push_back(std::move(staged));
  absl::Status status = files_.Publish(std::move(blobs));
  EXPECT_THAT(std::string(status.message()), HasSubstr(Digest::Of("text").ToString()));
  EXPECT_FALSE(index_.Find(Digest::Of("text").hash));
  index_.Add(Digest::Of("text"), BlobKind::kLeaf, 1);
  std::vector<Hash> removed;
  ASSERT_TRUE(index_.Remove({Digest::Of("text").hash}, removed));
  EXPECT_EQ(removed.size(), 1U);
}

// A file is copied and checked on the way, small or large; one with other bytes is refused and leaves nothing.
TEST_F(BlobFilesTest, StagesFilesWithTheirDigest) {
  for (size_t size : {size_t{5}, size_t{3} << 20}) {
    std::string bytes(size, 'x');
    bytes += std::to_string(size);
    ASSERT_TRUE(Publish(files_.StageFile(Digest::Of(bytes), Source(bytes).get()).value()).ok());
    EXPECT_EQ(platform::ReadFile(PathOf(Digest::Of(bytes))).value(), bytes);
    std::string other = bytes;
    other.back() = '!';
    absl::Status wrong = files_.StageFile(Digest::Of(other), Source(bytes).get()).status();
    EXPECT_EQ(wrong.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(wrong.message()), HasSubstr(Digest::Of(bytes).ToString()));
    absl::Status grown = files_.StageFile(Digest::Of(bytes), Source(bytes + "more").get()).status();
    EXPECT_EQ(grown.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FilesIn("tmp"), 0U);
  }
}

// A file that grows while it is copied ends the copy: it is never followed to an end that may not come.
TEST_F(BlobFilesTest, AFileWithoutEndIsNotFollowed) {
  rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  // What goes wrong here would fill the disk.
  rlimit few = {rlim_t{16} << 20, before.rlim_max};
  auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &few), 0);
  Digest digest = Digest::Of(std::string(size_t{2} << 20, '\0'));
  auto endless = platform::OpenAt(AT_FDCWD, "/dev/zero", O_RDONLY).value();
  absl::Status status = files_.StageFile(digest, endless.get()).status();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, ignored);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(FilesIn("tmp"), 0U);
}

// Below the limit of free space nothing is begun, and the error has the numbers.
TEST_F(BlobFilesTest, RoomIsCheckedBefore) {
  EXPECT_TRUE(files_.CheckRoom(1).ok());
  EXPECT_EQ(files_.CheckRoom(UINT64_MAX).code(), absl::StatusCode::kResourceExhausted);
  BlobFiles careful(*layout_, index_, flush_, clock_, uint64_t{1} << 60);
  absl::Status full = careful.CheckRoom(7);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("7 bytes needed"));
  EXPECT_THAT(std::string(full.message()), HasSubstr(std::to_string(uint64_t{1} << 60) + " are kept free"));
}

// A write that met a full disk says what it needed; other errors stay what they are.
TEST_F(BlobFilesTest, AFullDiskIsExplained) {
  absl::Status full = files_.ExplainFullDisk(absl::ResourceExhaustedError("write: No space left on device"), 123);
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()), HasSubstr("123 bytes needed"));
  EXPECT_EQ(files_.ExplainFullDisk(absl::InternalError("x"), 123), absl::InternalError("x"));
}

// A blob is a Directory when its bytes are one in canonical form.
TEST_F(BlobFilesTest, KindIsToldFromBytes) {
  EXPECT_EQ(KindOf(""), BlobKind::kLeaf);
  EXPECT_EQ(KindOf("text"), BlobKind::kLeaf);
  auto tree = content::BuildTree({FileEntry("a", Digest::Of("a")), FileEntry("b", Digest::Of("b"))}).value();
  const std::string& bytes = tree.directories[0].second;
  EXPECT_EQ(KindOf(bytes), BlobKind::kDirectory);
  EXPECT_EQ(KindOf(bytes + bytes), BlobKind::kLeaf) << "names twice: not canonical";
}

}  // namespace
}  // namespace wasmagent::store
