#include "content/transfer/cas_connection.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "grpc/grpc.h"

namespace wasmagent::content {
namespace {

// Bytes that a digest and its framing take in a message.
constexpr uint64_t kItemOverhead = 128;
// Most blobs in a batch: so many empty files would fill a message with digests alone.
constexpr size_t kMostItems = 4000;
// A batch is ended at this size although the server would take more: four batches of it, with gRPC's copies, fit a
// client of 48 MB.
constexpr uint64_t kBatchBytes = uint64_t{2} << 20;

}  // namespace

CasConnection::CasConnection(const std::vector<std::shared_ptr<grpc::Channel>>& channels, const RetryLimits& retry)
    : retry_(retry) {
  // gRPC is kept up until the process ends: when its last object goes, it joins a thread that helps with large writes
  // and sleeps in 10 s steps (seen with 1.51), and a client that has just uploaded would stand still that long.
  [[maybe_unused]] static const bool kept_up = (grpc_init(), true);
  for (const auto& channel : channels) {
    stubs_.push_back({reapi::ContentAddressableStorage::NewStub(channel), reapi::Capabilities::NewStub(channel),
                      google::bytestream::ByteStream::NewStub(channel)});
  }
}

bool MayTryAgain(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

bool Retry::Again(const absl::Status& status) {
  if (!MayTryAgain(status)) return false;
  if (absl::IsUnavailable(status)) {
    away_since_ = std::min(away_since_, absl::Now());
    if (absl::Now() - away_since_ >= limits_.patience) return false;
  } else if (++answers_ >= kTries) {
    return false;
  }
  absl::SleepFor(pause_);
  pause_ = std::min(pause_ * 2, limits_.longest_pause);
  return true;
}

void Retry::Renew() {
  away_since_ = absl::InfiniteFuture();
  pause_ = limits_.first_pause;
  answers_ = 0;
}

void ProgressSum::Add(uint64_t blobs, uint64_t bytes) {
  absl::MutexLock lock(&mutex_);
  blobs_ += blobs;
  bytes_ += bytes;
  if (tell_) tell_(blobs_, bytes_);
}

std::vector<Parcel> PackParcels(const std::vector<Digest>& digests, uint64_t max_batch_bytes) {
  const uint64_t limit = std::min(max_batch_bytes, kBatchBytes);
  std::vector<Parcel> streams;
  std::vector<Parcel> batches;
  uint64_t filled = 0;
  for (size_t i = 0; i < digests.size(); ++i) {
    uint64_t cost = digests[i].size + kItemOverhead;
    if (cost > limit) {
      streams.push_back({{i}, true});
      continue;
    }
    if (batches.empty() || filled + cost > limit || batches.back().places.size() >= kMostItems) {
      batches.emplace_back();
      filled = 0;
    }
    batches.back().places.push_back(i);
    filled += cost;
  }
  std::move(batches.begin(), batches.end(), std::back_inserter(streams));
  return streams;
}

}  // namespace wasmagent::content
