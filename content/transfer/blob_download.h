// Fetching blobs: batches and streams, checked.
#pragma once

#include "content/transfer/blob_transfer.h"
#include "content/transfer/cas_connection.h"

namespace wasmagent::content {

// Fetches parcels of one DownloadAll call, from several threads. Borrows everything.
class BlobDownload {
 public:
  BlobDownload(CasConnection& connection, bool compress, ProgressSum& progress)
      : connection_(connection), compress_(compress), progress_(progress) {}

  // Small blobs, whole and checked, each handed to `sink` with its place. `name` tells what the one at a place is
  // called in errors, beside its digest.
  absl::Status FetchBatch(const std::vector<Digest>& digests,
                          const std::function<absl::Status(size_t, std::string_view)>& sink,
                          const std::function<std::string(size_t)>& name = {});
  // One blob in pieces; `sink` gets bytes that are checked as a whole only when this returns OK.
  absl::Status FetchStream(const Digest& digest, const std::function<absl::Status(std::string_view)>& sink);

 private:
  CasConnection& connection_;
  const bool compress_;
  ProgressSum& progress_;
};

}  // namespace wasmagent::content
