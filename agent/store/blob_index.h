// What is in the store, in memory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "agent/store/store_layout.h"
#include "content/digest.h"

namespace wasmagent::store {

using Hash = std::array<uint8_t, 32>;

// What a blob is, as far as collection and "is all below it there" go.
enum class BlobKind : uint8_t { kUnknown, kLeaf, kDirectory };

// One blob. Size and last use are read from the file when they are first asked for: opening a store only lists names.
struct BlobInfo {
  uint64_t size : 48 = 0;
  uint64_t kind : 2 = 0;
  // All below this Directory is present. Stays true while the blob does: collection takes parents before children.
  uint64_t whole : 1 = 0;
  uint64_t sized : 1 = 0;
  // The last use is later than the file's mtime.
  uint64_t unsaved : 1 = 0;
  uint32_t last_use = 0;  // seconds since 1970
  // Of a whole Directory: the paths below it, each path counted, however few Directories they share.
  uint32_t paths = 0;
};

// The index: a hash table of 48 bytes a blob (under 7 MB for 100,000), and what a collection needs to know of uses
// while it runs. Thread-safe; nothing here touches the disk while the lock is held.
class BlobIndex {
 public:
  explicit BlobIndex(StoreLayout& layout) : layout_(layout) {}

  void Fill(const std::vector<Hash>& hashes);
  // The blob if it is there with the digest's size; the use is noted.
  std::optional<BlobInfo> Use(const content::Digest& digest, uint32_t now);
  // The blob without noting a use, and whatever its size is.
  std::optional<BlobInfo> Find(const Hash& hash);
  void Add(const content::Digest& digest, BlobKind kind, uint32_t now);
  void SetKind(const Hash& hash, BlobKind kind);
  // Directories that are whole, and the paths below each.
  void SetWhole(const std::vector<std::pair<Hash, uint32_t>>& directories);
  // A file that should be there is not, or is not what it should be: its entry goes, and no Directory counts as whole
  // any more.
  void Lose(const Hash& hash);

  // All blobs, with size and last use read.
  std::vector<std::pair<Hash, BlobInfo>> Snapshot();
  // Entries whose last use is not saved yet; they count as saved from now on.
  std::vector<std::pair<Hash, uint32_t>> TakeUnsaved();
  // Blobs and bytes; reads sizes that are not known yet.
  std::pair<uint64_t, uint64_t> Totals();

  // While a collection runs, uses of blobs that are not in `kept` are remembered for it. One at a time.
  void BeginCollection();
  void EndCollection();
  // Blobs used since the last call.
  std::vector<Hash> TakeUsed();
  void Keep(const std::vector<Hash>& kept);
  // Removes these entries in one step, unless something was used since the last TakeUsed: then none, and false. Those
  // that are kept or pinned stay. The caller discards the files of `removed` and says Gone.
  bool Remove(const std::vector<Hash>& hashes, std::vector<Hash>& removed);
  void Gone(const std::vector<Hash>& removed);

  // Between Pin and Unpin no collection takes the blob: for the time between a file's arrival in blobs/ and its entry
  // here. Waits while an earlier file of that name is being discarded.
  void Pin(const Hash& hash);
  void Unpin(const Hash& hash);

 private:
  void NoteUse(const Hash& hash) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReadSizes();

  StoreLayout& layout_;
  absl::Mutex mutex_;
  absl::flat_hash_map<Hash, BlobInfo> blobs_ ABSL_GUARDED_BY(mutex_);
  size_t unsized_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool collecting_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_set<Hash> kept_ ABSL_GUARDED_BY(mutex_);
  std::vector<Hash> used_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Hash, int> pinned_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<Hash> going_ ABSL_GUARDED_BY(mutex_);
  absl::CondVar gone_;
};

}  // namespace wasmagent::store
