// Whether everything below a Directory is there.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/store/blob_index.h"
#include "content/digest.h"
#include "content/tree.h"

namespace wasmagent::store {

// Most paths of a tree: a hundred times a large checkout, and what can still be listed in a few seconds.
inline constexpr uint64_t kMostPaths = 10'000'000;

// Walks trees in the store once each, with a stack of its own and not the thread's, and tells the index which
// Directories are whole. Lives for one question. Not thread-safe.
class TreeCheck {
 public:
  // `limit`: most missing blobs that are listed; the walk ends there.
  TreeCheck(BlobIndex& index, content::DirectoryReader read, uint32_t now, size_t limit)
      : index_(index), read_(std::move(read)), now_(now), limit_(limit) {}

  // INVALID_ARGUMENT when a blob that should be a Directory is none, or when the tree is deeper or has more paths than
  // any checkout. Paths, not Directories: few Directories that name each other twice have more paths than can be
  // walked.
  absl::StatusOr<bool> IsWhole(const content::Digest& directory);
  const std::vector<content::Digest>& missing() const { return missing_; }

 private:
  struct Frame {
    content::Digest digest;
    std::vector<content::Digest> folders;
    size_t next = 0;
    uint64_t paths = 0;  // of what was seen so far
    bool whole = true;
  };
  struct Seen {
    bool whole = false;
    uint32_t paths = 0;
  };
  // What is known of a Directory without reading it.
  enum class Known { kWhole, kBroken, kUnread };
  // `paths`: those below it when it is whole.
  Known Look(const content::Digest& directory, uint64_t& paths);
  absl::StatusOr<Frame> Open(const content::Digest& directory);
  void Miss(const content::Digest& digest);

  BlobIndex& index_;
  const content::DirectoryReader read_;
  const uint32_t now_;
  const size_t limit_;
  absl::flat_hash_map<content::Digest, Seen> seen_;
  absl::flat_hash_set<content::Digest> listed_;
  std::vector<content::Digest> missing_;
};

}  // namespace wasmagent::store
