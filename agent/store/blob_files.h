// Bringing blobs into the store's folder: staged in tmp/, flushed, renamed.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/store/blob_index.h"
#include "agent/store/disk_flush.h"
#include "agent/store/store_layout.h"
#include "content/digest.h"
#include "platform/clock.h"
#include "platform/scoped_fd.h"

namespace wasmagent::store {

// Up to this many files, one fdatasync each (0.35 ms) is cheaper than flushing the disk, which waits for everyone's
// writes. More are flushed together, without their descriptors.
inline constexpr size_t kHandful = 8;

// A file in tmp/, removed when it is not published. Movable.
class StagedBlob {
 public:
  StagedBlob(StoreLayout& layout, std::string name, platform::ScopedFd fd)
      : layout_(&layout), name_(std::move(name)), fd_(std::move(fd)) {}
  StagedBlob(StagedBlob&& other) noexcept;
  StagedBlob& operator=(StagedBlob&&) = delete;
  ~StagedBlob();

  int fd() const { return fd_.get(); }
  // Thousands of staged files must not hold thousands of descriptors; a flush of the whole disk needs none.
  void CloseFile() { fd_.reset(); }

  content::Digest digest;
  BlobKind kind = BlobKind::kUnknown;

 private:
  friend class BlobFiles;
  StoreLayout* layout_;
  std::string name_;
  platform::ScopedFd fd_;
};

// Writes blobs. Borrows its collaborators. Thread-safe.
class BlobFiles {
 public:
  BlobFiles(StoreLayout& layout, BlobIndex& index, DiskFlush& flush, const platform::Clock& clock,
            uint64_t min_free_bytes)
      : layout_(layout), index_(index), flush_(flush), clock_(clock), min_free_bytes_(min_free_bytes) {}

  // RESOURCE_EXHAUSTED, with the bytes needed and free, when writing `bytes` would leave less than the limit.
  absl::Status CheckRoom(uint64_t bytes) const;
  // An empty file in tmp/.
  absl::StatusOr<StagedBlob> Stage();
  // A file with these bytes, whose digest the caller has checked.
  absl::StatusOr<StagedBlob> StageBytes(const content::Digest& digest, std::string_view bytes);
  // A copy of a file (reflink where that works) that must have this digest, else INVALID_ARGUMENT.
  absl::StatusOr<StagedBlob> StageFile(const content::Digest& digest, int from);

  // Makes staged blobs durable and present, with one flush for all: temporary files, then names.
  absl::Status Publish(std::vector<StagedBlob> blobs);

  // An error that says what was needed, for a write that met a full disk.
  absl::Status ExplainFullDisk(const absl::Status& status, uint64_t needed) const;

 private:
  absl::Status FlushFiles(const std::vector<StagedBlob>& blobs);
  absl::Status FlushNames(const std::vector<StagedBlob>& blobs);

  StoreLayout& layout_;
  BlobIndex& index_;
  DiskFlush& flush_;
  const platform::Clock& clock_;
  const uint64_t min_free_bytes_;
};

// Directory or leaf, told from all of a blob's bytes.
BlobKind KindOf(std::string_view bytes);

// The error for bytes that do not have the digest they came under.
absl::Status WrongDigest(const content::Digest& expected, const content::Digest& actual);

}  // namespace wasmagent::store
