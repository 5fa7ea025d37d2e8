// Making a tree folder by folder, without a full path for each entry.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "content/digest.h"
#include "content/tree.h"

namespace wasmagent::content {

// Collects the entries of a tree and turns them into canonical Directory blobs. An entry costs 56 bytes and its name,
// however deep it lies: 100,000 files take less than 10 MB, and a path of 400 levels is 400 short names. Not
// thread-safe.
class TreeBuilder {
 public:
  // A folder of this tree; parents have smaller numbers than their children.
  using FolderId = uint32_t;
  static constexpr FolderId kRoot = 0;

  TreeBuilder();

  // Adds a folder below `parent`, which must come from this builder. INVALID_ARGUMENT for a name that CheckName
  // refuses.
  absl::StatusOr<FolderId> AddFolder(FolderId parent, std::string_view name);
  absl::Status AddFile(FolderId parent, std::string_view name, const Digest& digest, bool executable);
  absl::Status AddSymlink(FolderId parent, std::string_view name, std::string_view target);

  // The folder's path, "" for the root.
  std::string PathOf(FolderId folder) const;
  size_t folders() const { return folders_.size(); }

  // The tree; the builder is used up. INVALID_ARGUMENT when a folder has a name twice.
  absl::StatusOr<TreeBlobs> Finish() &&;

 private:
  struct Text {
    uint64_t offset : 40;
    uint64_t size : 24;
  };
  struct Entry {
    Text name;
    // Index of the digest of a file, the folder's number, or of the link's target.
    uint32_t index;
    EntryKind kind;
  };
  struct Folder {
    FolderId parent = 0;
    Text name = {};
    std::vector<Entry> entries;
    uint32_t digest = 0;
  };

  Text Keep(std::string_view text);
  std::string_view View(Text text) const { return std::string_view(text_).substr(text.offset, text.size); }
  absl::Status CheckEntry(FolderId parent, std::string_view name) const;
  absl::Status SortEntries(FolderId id);
  std::string Encode(const Folder& folder) const;

  std::string text_;
  std::vector<Digest> digests_;
  std::vector<Text> targets_;
  std::vector<Folder> folders_;
};

}  // namespace wasmagent::content
