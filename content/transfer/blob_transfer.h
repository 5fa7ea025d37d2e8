// Moving blobs to and from a CAS that speaks the Remote Execution API. Used by the client; knows nothing of builds.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "content/digest.h"
#include "grpcpp/channel.h"

namespace wasmagent::content {

// Where the bytes of a blob to be sent come from: memory, or a file that is opened only when its turn comes.
struct BlobSource {
  Digest digest;
  // Opens the file for reading; called from several threads. Unset when `bytes` is used.
  std::function<absl::StatusOr<int>()> open;
  std::string bytes;
  // What it is called in errors.
  std::string name;
};

// Limits that the server announced, or defaults where it has no Capabilities service.
struct TransferLimits {
  uint64_t max_batch_bytes = 4 * 1024 * 1024 - 64 * 1024;
  bool zstd = false;
};

// How long a server that is away is waited for: long enough for one that starts again.
struct RetryLimits {
  absl::Duration patience = absl::Seconds(30);  // without any progress
  absl::Duration first_pause = absl::Milliseconds(100);
  absl::Duration longest_pause = absl::Seconds(2);
};

// Called as blobs arrive: how many of how many, and bytes. From any thread, one call at a time.
using TransferProgress = std::function<void(uint64_t blobs_done, uint64_t bytes_done)>;

// Talks to one CAS. Thread-safe. Borrowed channels: `channels` are spread over for streams and batches.
class BlobTransfer {
 public:
  explicit BlobTransfer(std::vector<std::shared_ptr<grpc::Channel>> channels, int streams = 4,
                        const RetryLimits& retry = {});
  ~BlobTransfer();

  // Asks for the limits once; later calls return what is known. UNIMPLEMENTED becomes defaults.
  absl::StatusOr<TransferLimits> Limits();

  // Which of these are not there, in the given order, each once. Split into calls of at most 10,000.
  absl::StatusOr<std::vector<Digest>> FindMissing(const std::vector<Digest>& digests);

  // Sends blobs, small ones in batches and large ones as streams that resume where they were cut, compressed where the
  // server takes zstd and the bytes shrink. A blob whose bytes do not have its digest (a file that changed while it was
  // being sent) gives ABORTED naming it. Blobs of one call are stored in no particular order.
  absl::Status Upload(std::vector<BlobSource> blobs, const TransferProgress& progress = {});

  // Fetches small and large blobs; each is checked against its digest before `sink` sees it whole in `fd`-less memory.
  // Meant for Directory blobs and other small ones (RESOURCE_EXHAUSTED above 64 MiB).
  absl::StatusOr<std::string> Read(const Digest& digest);

  // One blob to be written to a file descriptor.
  struct Download {
    Digest digest;
    // Opens the (empty) file to be written; called from several threads; the descriptor is closed here.
    std::function<absl::StatusOr<int>()> open;
    std::string name;
  };
  // Fetches many blobs into files, checked against their digests. DATA_LOSS for a blob with other bytes.
  absl::Status DownloadAll(std::vector<Download> blobs, const TransferProgress& progress = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wasmagent::content
