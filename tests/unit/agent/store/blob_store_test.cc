#include "agent/store/blob_store.h"

#include <sys/stat.h>

#include <filesystem>

#include "content/tree.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::store {
namespace {

class BlobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = platform::MakeTemporaryDirectory(::testing::TempDir(), "store").value();
    options_.min_free_bytes = 0;
    Open();
  }
  void TearDown() override {
    store_.reset();
    EXPECT_TRUE(platform::RemoveTree(options_.directory).ok());
  }
  void Open() {
    store_.reset();
    store_ = BlobStore::Open(options_, clock_).value();
  }
  Digest Put(const std::string& bytes) {
    EXPECT_TRUE(store_->PutOne(Digest::Of(bytes), bytes).ok());
    return Digest::Of(bytes);
  }

  // Begins now: the times of last use are those of files, which the kernel sets first.
  platform::ManualClock clock_{absl::Now()};
  BlobStoreOptions options_;
  std::unique_ptr<BlobStore> store_;
};

// A store belongs to one agent.
TEST_F(BlobStoreTest, IsLocked) {
  EXPECT_EQ(BlobStore::Open(options_, clock_).status().code(), absl::StatusCode::kUnavailable);
}

// The least recently used goes first, also after a restart; what was used within the grace stays.
TEST_F(BlobStoreTest, CollectsTheLeastRecentlyUsed) {
  Digest one = Put("one");
  clock_.Advance(absl::Hours(1));
  Digest two = Put("two");
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(store_->Has(one));
  Open();
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(store_->Collect(3, {}).value().removed_blobs, 1U);
  EXPECT_THAT(store_->FindMissing({one, two}), ::testing::ElementsAre(two));
  EXPECT_EQ(store_->Collect(0, {}).value().removed_blobs, 0U);
  clock_.Advance(options_.grace + absl::Seconds(1));
  EXPECT_EQ(store_->Collect(0, {}).value().freed_bytes, 3U);
}

// A tree whose root is used keeps its leaves, however old they are; its parents go before its children.
TEST_F(BlobStoreTest, AUsedRootKeepsWhatIsBelow) {
  Digest leaf = Put("leaf");
  auto tree = content::BuildTree({{"d/leaf", content::EntryKind::kFile, leaf, ""}}).value();
  for (const auto& [digest, bytes] : tree.directories) Put(bytes);
  clock_.Advance(absl::Hours(1));
  Digest loose = Put("loose");
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(store_->Has(tree.root));
  clock_.Advance(absl::Hours(1));
  uint64_t all = store_->Stats().bytes;
  EXPECT_EQ(store_->Collect(all - 1, {}).value().removed_blobs, 1U);
  EXPECT_FALSE(store_->Has(loose));
  EXPECT_THAT(store_->MissingFromTree(tree.root, 9).value(), ::testing::IsEmpty());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(store_->Collect(0, {tree.root}).value().removed_blobs, 0U);
  EXPECT_EQ(store_->Collect(store_->Stats().bytes - 1, {}).value().removed_blobs, 1U);
  EXPECT_FALSE(store_->Has(tree.root));
  EXPECT_TRUE(store_->Has(leaf));
}

// A disk below the limit refuses with the bytes needed and free, and nothing is left.
TEST_F(BlobStoreTest, RefusesWhenTheDiskIsFull) {
  options_.min_free_bytes = uint64_t{1} << 60;
  Open();
  absl::Status put = store_->PutOne(Digest::Of("x"), "x");
  EXPECT_EQ(put.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(put.message()), ::testing::HasSubstr("1 bytes needed"));
  EXPECT_EQ(store_->NewWriter(Digest::Of("x")).status().code(), absl::StatusCode::kResourceExhausted);
}

// A blob's file is read-only; one that was cut by others is missing, and can be sent again.
TEST_F(BlobStoreTest, ACutFileIsMissing) {
  Digest digest = Put("twelve bytes");
  std::string path = options_.directory + "/blobs/" + digest.Hex().substr(0, 2) + "/" + digest.Hex();
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms{0444});
  std::filesystem::resize_file(path, 3);
  EXPECT_EQ(store_->Read(digest).status().code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(store_->Has(digest));
  Put("twelve bytes");
  EXPECT_EQ(store_->Read(digest).value(), "twelve bytes");
}

}  // namespace
}  // namespace wasmagent::store
