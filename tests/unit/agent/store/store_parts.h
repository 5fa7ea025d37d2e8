// The parts of a store in a fresh folder, for tests of one of them.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/store/blob_files.h"
#include "agent/store/blob_index.h"
#include "agent/store/disk_flush.h"
#include "agent/store/store_layout.h"
#include "content/tree.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "platform/file.h"

namespace wasmagent::store {

class StoreParts : public ::testing::Test {
 protected:
  StoreParts()
      : directory_(platform::MakeTemporaryDirectory(Parent(), "parts").value()),
        layout_(StoreLayout::Open(directory_).value()),
        flush_(layout_->root_fd()) {}
  // In memory where that is possible: 256 folders on a busy disk take a second.
  static std::string Parent() { return ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : ::testing::TempDir(); }
  ~StoreParts() override { EXPECT_TRUE(platform::RemoveTree(directory_).ok()); }

  std::string PathOf(const content::Digest& digest) const {
    return directory_ + "/" + StoreLayout::BlobName(digest.hash);
  }
  bool OnDisk(const content::Digest& digest) const { return platform::ReadFile(PathOf(digest)).ok(); }
  // Names in one of the store's folders.
  size_t FilesIn(const std::string& folder) const {
    return platform::ListDirectory(directory_ + "/" + folder).value().size();
  }
  // A blob's file, of which the index does not know.
  content::Digest Write(const std::string& bytes) {
    content::Digest digest = content::Digest::Of(bytes);
    EXPECT_TRUE(platform::WriteFileAtomically(PathOf(digest), bytes, 0444, /*durable=*/false).ok());
    return digest;
  }
  // A blob that was used at this second.
  content::Digest Put(const std::string& bytes, uint32_t used, BlobKind kind = BlobKind::kLeaf) {
    content::Digest digest = Write(bytes);
    index_.Add(digest, kind, used);
    return digest;
  }
  // All Directories of a tree; the files are the caller's.
  content::Digest PutTree(std::vector<content::TreeEntry> entries, uint32_t used) {
    auto tree = content::BuildTree(std::move(entries)).value();
    for (const auto& [digest, bytes] : tree.directories) Put(bytes, used, BlobKind::kDirectory);
    return tree.root;
  }
  content::DirectoryReader Reader() {
    return [this](const content::Digest& digest) {
      ++reads_;
      return platform::ReadFile(PathOf(digest));
    };
  }

  const std::string directory_;
  std::unique_ptr<StoreLayout> layout_;
  BlobIndex index_{*layout_};
  DiskFlush flush_;
  platform::ManualClock clock_{absl::FromUnixSeconds(1'000'000)};
  BlobFiles files_{*layout_, index_, flush_, clock_, /*min_free_bytes=*/0};
  int reads_ = 0;
};

inline content::TreeEntry FileEntry(const std::string& path, const content::Digest& digest) {
  return {path, content::EntryKind::kFile, digest, ""};
}

}  // namespace wasmagent::store
