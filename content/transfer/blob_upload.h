// Sending blobs: batches and resumable streams.
#pragma once

#include "content/transfer/blob_transfer.h"
#include "content/transfer/cas_connection.h"

namespace wasmagent::content {

// Sends parcels of one Upload call, from several threads. Borrows everything.
class BlobUpload {
 public:
  BlobUpload(CasConnection& connection, const TransferLimits& limits, bool compress, ProgressSum& progress)
      : connection_(connection), limits_(limits), compress_(compress), progress_(progress) {}

  absl::Status SendBatch(const std::vector<BlobSource*>& blobs);
  absl::Status SendStream(BlobSource& blob);

 private:
  struct Stream;
  absl::Status TryStream(BlobSource& blob, Stream& stream);
  absl::Status AskCommitted(const BlobSource& blob, Stream& stream);

  CasConnection& connection_;
  const TransferLimits& limits_;
  const bool compress_;
  ProgressSum& progress_;
};

}  // namespace wasmagent::content
