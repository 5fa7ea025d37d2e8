#include "agent/store/store_layout.h"

#include <filesystem>

#include "gmock/gmock.h"
#include "tests/unit/agent/store/store_parts.h"

namespace wasmagent::store {
namespace {

using content::Digest;
using ::testing::UnorderedElementsAre;

using StoreLayoutTest = StoreParts;

// A store belongs to one agent, and is free again when that has ended.
TEST_F(StoreLayoutTest, HasOneOwner) {
  EXPECT_EQ(StoreLayout::Open(directory_).status().code(), absl::StatusCode::kUnavailable);
  layout_.reset();
  EXPECT_TRUE(StoreLayout::Open(directory_).ok());
}

// Only the agent's user may look into the store.
TEST_F(StoreLayoutTest, IsPrivate) {
  for (const char* folder : {"", "/blobs", "/blobs/00", "/blobs/ff", "/tmp", "/trash"}) {
    EXPECT_EQ(std::filesystem::status(directory_ + folder).permissions(), std::filesystem::perms{0700}) << folder;
  }
}

// What a crash left on its way in or out is removed at the next start; blobs stay.
TEST_F(StoreLayoutTest, OpeningRemovesWhatACrashLeft) {
  Digest blob = Write("blob");
  for (const char* left : {"/tmp/7", "/trash/8", "/tmp/folder/file"}) {
    std::filesystem::create_directories(std::filesystem::path(directory_ + left).parent_path());
    ASSERT_TRUE(platform::WriteFileAtomically(directory_ + left, "half").ok());
  }
  layout_.reset();
  layout_ = StoreLayout::Open(directory_).value();
  EXPECT_EQ(FilesIn("tmp"), 0U);
  EXPECT_EQ(FilesIn("trash"), 0U);
  EXPECT_TRUE(OnDisk(blob));
}

// Blobs are found by their names; what is no blob's name in its folder is left alone.
TEST_F(StoreLayoutTest, ListsBlobsOnly) {
  Digest one = Write("one"), two = Write("two");
  std::string folder = directory_ + "/" + StoreLayout::FolderName(StoreLayout::FolderOf(one.hash));
  std::string elsewhere = directory_ + "/" + StoreLayout::FolderName((StoreLayout::FolderOf(one.hash) + 1) % 256);
  ASSERT_TRUE(platform::WriteFileAtomically(folder + "/README", "").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(elsewhere + "/" + one.Hex(), "").ok());
  EXPECT_THAT(layout_->List().value(), UnorderedElementsAre(one.hash, two.hash));
  EXPECT_TRUE(platform::ReadFile(folder + "/README").ok());
}

// A discarded blob leaves nothing behind; discarding one that is gone is no error.
TEST_F(StoreLayoutTest, DiscardsWithoutATrace) {
  Digest blob = Write("blob");
  EXPECT_TRUE(layout_->Discard(blob.hash).ok());
  EXPECT_FALSE(OnDisk(blob));
  EXPECT_EQ(FilesIn("trash"), 0U);
  EXPECT_TRUE(layout_->Discard(blob.hash).ok());
}

// Names are those that the folder's description promises, and a temporary name is given once.
TEST_F(StoreLayoutTest, Names) {
  Digest digest = Digest::Of("x");
  EXPECT_EQ(StoreLayout::BlobName(digest.hash), "blobs/" + digest.Hex().substr(0, 2) + "/" + digest.Hex());
  EXPECT_EQ(StoreLayout::FolderName(10), "blobs/0a");
  EXPECT_THAT(layout_->NewTemporaryName(), ::testing::StartsWith("tmp/"));
  EXPECT_NE(layout_->NewTemporaryName(), layout_->NewTemporaryName());
  EXPECT_NE(layout_->NewTrashName(), layout_->NewTrashName());
}

}  // namespace
}  // namespace wasmagent::store
