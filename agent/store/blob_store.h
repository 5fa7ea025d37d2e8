// Durable blobs: files named by their digest in one folder that belongs to one agent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "content/digest.h"
#include "content/tree.h"
#include "platform/clock.h"
#include "platform/scoped_fd.h"

namespace wasmagent::store {

using content::Digest;

// Keeps blobs, and whatever a root leads to, from being collected while it lives. Cheap; copyable; thread-safe.
class Lease {
 public:
  Lease() = default;

 private:
  friend class BlobStore;
  explicit Lease(std::shared_ptr<void> hold) : hold_(std::move(hold)) {}
  std::shared_ptr<void> hold_;
};

// Limits of a store.
struct BlobStoreOptions {
  std::string directory;
  uint64_t budget_bytes = uint64_t{10} << 30;
  // Free space on the file system below which nothing is written: RESOURCE_EXHAUSTED.
  uint64_t min_free_bytes = uint64_t{1} << 30;
  // How long an answer "present" of FindMissing protects a blob from collection.
  absl::Duration grace = absl::Minutes(10);
};

// A blob on its way in: written piece by piece, checked while writing, absent until Commit.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;
  virtual absl::Status Write(std::string_view bytes) = 0;
  virtual uint64_t written() const = 0;
  // Durable and present on OK. INVALID_ARGUMENT when the bytes do not have the digest; nothing stays then.
  virtual absl::Status Commit() = 0;
};

// Sums for `wasmctl info` and tests.
struct BlobStoreStats {
  uint64_t blobs = 0;
  uint64_t bytes = 0;
  uint64_t written_blobs = 0;
  uint64_t collected_blobs = 0;
};

// What a collection did.
struct CollectResult {
  uint64_t removed_blobs = 0;
  uint64_t freed_bytes = 0;
};

// The store. Thread-safe. Invariant: a Directory that MissingFromTree or FindMissingWhole found whole stays whole while
// it is there, since collection takes parents before children. A blob is a Directory when its bytes are one in
// canonical form, whoever sent it.
class BlobStore {
 public:
  // Opens or makes the store; takes its lock (UNAVAILABLE when another agent has it), empties tmp/ and trash/, and
  // builds the index from the folder.
  static absl::StatusOr<std::unique_ptr<BlobStore>> Open(BlobStoreOptions options, const platform::Clock& clock);
  ~BlobStore();

  // Present, with the size that the digest says. The empty blob always is.
  bool Has(const Digest& digest);
  // Those that are absent, each once; those that are present are protected for `grace`.
  std::vector<Digest> FindMissing(const std::vector<Digest>& digests);

  // The same, but a blob that is a canonical Directory counts as present only when everything below it is: what
  // FindMissingBlobs answers, so that a client may ask for the root first. Free for Directories known whole; others are
  // walked once.
  std::vector<Digest> FindMissingWhole(const std::vector<Digest>& digests);

  // Stores small blobs with one flush for all of them; one status each.
  struct Put {
    Digest digest;
    std::string_view bytes;
  };
  std::vector<absl::Status> PutAll(const std::vector<Put>& blobs);
  absl::Status PutOne(const Digest& digest, std::string_view bytes);
  // Begins a large blob.
  absl::StatusOr<std::unique_ptr<BlobWriter>> NewWriter(const Digest& digest);
  // Takes files by copying from descriptors (reflink where that works), checked; one status each, one flush for all.
  struct PutFile {
    Digest digest;
    std::function<absl::StatusOr<platform::ScopedFd>()> open;
  };
  std::vector<absl::Status> PutFiles(const std::vector<PutFile>& files, size_t threads);

  // A descriptor to read from. NOT_FOUND.
  absl::StatusOr<platform::ScopedFd> OpenBlob(const Digest& digest);
  absl::StatusOr<std::string> Read(const Digest& digest, uint64_t limit = uint64_t{64} << 20);
  // For content::WalkTree and its kind.
  content::DirectoryReader DirectoryReader();

  // Blobs that are missing below a root (the root itself among them), at most `limit`. Empty means whole. A root that
  // was found whole is remembered while nothing is collected, so that asking again is free.
  absl::StatusOr<std::vector<Digest>> MissingFromTree(const Digest& root, size_t limit);

  // Protects a root's whole closure, or loose blobs.
  Lease LeaseTree(const Digest& root);
  Lease LeaseBlobs(std::vector<Digest> blobs);

  // Removes blobs that are neither leased, nor kept by `keep_roots` (roots of trees to keep), nor recently touched,
  // least recently used first, until at most `budget` bytes are left. Parents go before children.
  absl::StatusOr<CollectResult> Collect(uint64_t budget, const std::vector<Digest>& keep_roots);
  // Writes the times of last use to the files, so that a restart does not forget them. Collect and the destructor do it
  // too.
  void SaveUse();
  BlobStoreStats Stats() const;
  const BlobStoreOptions& options() const;

 private:
  struct Impl;
  explicit BlobStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wasmagent::store
