// One CAS as its stubs: what sending and fetching share.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "content/transfer/blob_transfer.h"
#include "google/bytestream/bytestream.grpc.pb.h"

namespace wasmagent::content {

// Bytes of a blob in one message of a stream.
inline constexpr size_t kStreamChunk = size_t{1} << 20;
// Tries that a server which does answer gets; one that is away gets RetryLimits::patience.
inline constexpr int kTries = 5;
// True for an error that another try may not meet: the connection, not the request.
bool MayTryAgain(const absl::Status& status);

// The tries of one call, or of one blob's streams. Used by one thread.
class Retry {
 public:
  explicit Retry(const RetryLimits& limits) : limits_(limits) {}
  // After a try: true when another is to be made, and the pause before it has passed.
  bool Again(const absl::Status& status);
  // A try that failed has brought something: patience begins anew.
  void Renew();

 private:
  const RetryLimits limits_;
  absl::Time away_since_ = absl::InfiniteFuture();
  absl::Duration pause_ = limits_.first_pause;
  int answers_ = 0;
};

// Stubs for each channel, handed out in turn. Thread-safe.
class CasConnection {
 public:
  explicit CasConnection(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const RetryLimits& retry = {});

  struct Stubs {
    std::unique_ptr<reapi::ContentAddressableStorage::Stub> cas;
    std::unique_ptr<reapi::Capabilities::Stub> capabilities;
    std::unique_ptr<google::bytestream::ByteStream::Stub> bytes;
  };
  Stubs& Next() { return stubs_[next_.fetch_add(1) % stubs_.size()]; }
  Retry NewRetry() const { return Retry(retry_); }

 private:
  const RetryLimits retry_;
  std::vector<Stubs> stubs_;
  std::atomic<size_t> next_ = 0;
};

// Adds up what is done and tells it on, one call at a time. Thread-safe.
class ProgressSum {
 public:
  explicit ProgressSum(const TransferProgress& tell) : tell_(tell) {}
  void Add(uint64_t blobs, uint64_t bytes);

 private:
  const TransferProgress& tell_;
  absl::Mutex mutex_;
  uint64_t blobs_ = 0;
  uint64_t bytes_ = 0;
};

// Blobs that travel together, as places in the caller's list; a single one that is too large for a batch goes as a
// stream.
struct Parcel {
  std::vector<size_t> places;
  bool stream = false;
};
// Packs blobs of these digests into parcels, streams first, so that a long one does not begin last.
std::vector<Parcel> PackParcels(const std::vector<Digest>& digests, uint64_t max_batch_bytes);

}  // namespace wasmagent::content
