// Making room: which blobs may go, and in what order.
#pragma once

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "agent/store/blob_index.h"
#include "agent/store/blob_store.h"
#include "agent/store/lease_table.h"
#include "agent/store/store_layout.h"

namespace wasmagent::store {

// One collection: reads which Directories lead where, keeps what is leased, wanted or recently used with all below it,
// and removes the rest, least recently used first. A blob counts as used when anything above it is, so parents never
// outlive their children, whenever the machine stops. Works while the store is used: whatever is used meanwhile stays,
// with all below it. Costs some 200 bytes a blob while it runs. Not thread-safe; one at a time.
class GarbageCollector {
 public:
  GarbageCollector(StoreLayout& layout, BlobIndex& index, const LeaseTable& leases, content::DirectoryReader read)
      : layout_(layout), index_(index), leases_(leases), read_(std::move(read)) {}

  // Blobs used at or after `keep_since` (seconds since 1970) stay.
  absl::StatusOr<CollectResult> Run(uint64_t budget, const std::vector<content::Digest>& keep_roots,
                                    uint32_t keep_since);

 private:
  struct Node {
    uint64_t size = 0;
    uint32_t last_use = 0;
    // Place in an order of Directories in which parents come first; leaves are behind them all.
    uint32_t rank = UINT32_MAX;
    std::vector<Hash> children;
    bool directory = false;
  };

  void ReadGraph();
  std::vector<Hash> ChildrenOf(const Hash& hash, uint64_t size);
  void PassUseDown();
  void KeepClosure(std::vector<Hash> hashes);
  std::vector<Hash> Candidates() const;
  absl::Status Remove(const std::vector<Hash>& candidates, uint64_t budget, CollectResult& result);

  StoreLayout& layout_;
  BlobIndex& index_;
  const LeaseTable& leases_;
  const content::DirectoryReader read_;
  absl::flat_hash_map<Hash, Node> nodes_;
  uint64_t bytes_ = 0;
};

// What the stored blob is, reading its first byte and, when that fits a Directory, all of it.
BlobKind ReadKind(const StoreLayout& layout, const content::DirectoryReader& read, const content::Digest& digest);

}  // namespace wasmagent::store
