// One large blob on its way in.
#pragma once

#include "agent/store/blob_files.h"
#include "agent/store/blob_store.h"

namespace wasmagent::store {

// Writes to a staged file, hashing as it goes; pages go to the disk while the next bytes come, so that the flush at the
// end is short. Not thread-safe. Borrows `files`.
class StagedWriter : public BlobWriter {
 public:
  StagedWriter(BlobFiles& files, StagedBlob staged, const content::Digest& digest)
      : files_(files), staged_(std::move(staged)), digest_(digest) {}

  absl::Status Write(std::string_view bytes) override;
  uint64_t written() const override { return written_; }
  absl::Status Commit() override;

 private:
  BlobFiles& files_;
  StagedBlob staged_;
  const content::Digest digest_;
  content::Hasher hasher_;
  uint64_t written_ = 0;
  uint64_t pushed_ = 0;
};

}  // namespace wasmagent::store
