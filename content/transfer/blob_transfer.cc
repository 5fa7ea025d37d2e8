#include "content/transfer/blob_transfer.h"

#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "content/transfer/blob_download.h"
#include "content/transfer/blob_upload.h"
#include "content/transfer/cas_connection.h"
#include "content/transfer/rpc_status.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Digests in one call of FindMissingBlobs: 10,000 make a message of 0.8 MB.
constexpr size_t kMostDigests = 10'000;
// Largest blob that Read holds in memory.
constexpr uint64_t kLargestRead = uint64_t{64} << 20;

// A peer on this machine: compressing for it costs more than copying.
bool IsLocal(const std::string& peer) {
  return peer.starts_with("unix") || peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:[::1]") ||
         peer.starts_with("ipv6:%5B::1%5D");
}

}  // namespace

struct BlobTransfer::Impl {
  Impl(const std::vector<std::shared_ptr<grpc::Channel>>& channels, int the_streams, const RetryLimits& retry)
      : connection(channels, retry), streams(static_cast<size_t>(std::max(the_streams, 1))) {}

  absl::StatusOr<TransferLimits> Ask() {
    reapi::ServerCapabilities answer;
    TransferLimits asked;
    Retry retry = connection.NewRetry();
    absl::Status status;
    do {
      grpc::ClientContext context;
      status = FromGrpcStatus(connection.Next().capabilities->GetCapabilities(&context, {}, &answer));
      if (absl::IsUnimplemented(status)) return asked;
      if (status.ok()) local = IsLocal(context.peer());
    } while (retry.Again(status));
    RETURN_IF_ERROR_CTX(status, "ask for the server's limits");
    const auto& cache = answer.cache_capabilities();
    // 0 means that the server has no limit; the messages have one.
    if (cache.max_batch_total_size_bytes() > 0)
      asked.max_batch_bytes = static_cast<uint64_t>(cache.max_batch_total_size_bytes());
    for (int compressor : cache.supported_compressors())
      asked.zstd = asked.zstd || compressor == reapi::Compressor::ZSTD;
    for (int compressor : cache.supported_batch_update_compressors()) {
      batch_zstd = batch_zstd || compressor == reapi::Compressor::ZSTD;
    }
    return asked;
  }

  CasConnection connection;
  const size_t streams;
  absl::Mutex mutex;
  std::optional<TransferLimits> limits ABSL_GUARDED_BY(mutex);
  std::atomic<bool> local = false;
  std::atomic<bool> batch_zstd = false;
};

BlobTransfer::BlobTransfer(std::vector<std::shared_ptr<grpc::Channel>> channels, int streams, const RetryLimits& retry)
    : impl_(std::make_unique<Impl>(channels, streams, retry)) {}
BlobTransfer::~BlobTransfer() = default;

absl::StatusOr<TransferLimits> BlobTransfer::Limits() {
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->limits) return *impl_->limits;
  ASSIGN_OR_RETURN(impl_->limits, impl_->Ask());
  return *impl_->limits;
}

absl::StatusOr<std::vector<Digest>> BlobTransfer::FindMissing(const std::vector<Digest>& digests) {
  std::vector<Digest> asked;
  absl::flat_hash_set<Digest> seen;
  for (const Digest& digest : digests) {
    if (seen.insert(digest).second) asked.push_back(digest);
  }
  absl::flat_hash_set<Digest> absent;
  for (size_t begin = 0; begin < asked.size(); begin += kMostDigests) {
    reapi::FindMissingBlobsRequest request;
    size_t end = std::min(begin + kMostDigests, asked.size());
    for (size_t i = begin; i < end; ++i) *request.add_blob_digests() = asked[i].ToProto();
    reapi::FindMissingBlobsResponse response;
    Retry retry = impl_->connection.NewRetry();
    absl::Status status;
    do {
      grpc::ClientContext context;
      status = FromGrpcStatus(impl_->connection.Next().cas->FindMissingBlobs(&context, request, &response));
    } while (retry.Again(status));
    RETURN_IF_ERROR_CTX(status, "ask which blobs are missing");
    for (const auto& proto : response.missing_blob_digests()) {
      ASSIGN_OR_RETURN(Digest digest, Digest::FromProto(proto));
      absent.insert(digest);
    }
  }
  std::erase_if(asked, [&](const Digest& digest) { return !absent.contains(digest); });
  return asked;
}

absl::Status BlobTransfer::Upload(std::vector<BlobSource> blobs, const TransferProgress& progress) {
  ASSIGN_OR_RETURN(TransferLimits limits, Limits());
  std::vector<Digest> digests;
  digests.reserve(blobs.size());
  for (const BlobSource& blob : blobs) digests.push_back(blob.digest);
  ProgressSum sum(progress);
  bool far = !impl_->local;
  BlobUpload streams(impl_->connection, limits, far && limits.zstd, sum);
  BlobUpload batches(impl_->connection, limits, far && impl_->batch_zstd, sum);
  std::vector<Parcel> parcels = PackParcels(digests, limits.max_batch_bytes);
  return platform::ParallelFor(parcels.size(), impl_->streams, 1, [&](size_t i) {
    const Parcel& parcel = parcels[i];
    if (parcel.stream) return streams.SendStream(blobs[parcel.places[0]]);
    std::vector<BlobSource*> batch;
    for (size_t place : parcel.places) batch.push_back(&blobs[place]);
    return batches.SendBatch(batch);
  });
}

absl::StatusOr<std::string> BlobTransfer::Read(const Digest& digest) {
  if (digest.size > kLargestRead) {
    return absl::ResourceExhaustedError(
        fmt::format("blob {}: at most {} bytes are read at once", digest.ToString(), kLargestRead));
  }
  TransferProgress none;
  ProgressSum sum(none);
  ASSIGN_OR_RETURN(TransferLimits limits, Limits());
  BlobDownload download(impl_->connection, false, sum);
  std::string bytes;
  if (PackParcels({digest}, limits.max_batch_bytes)[0].stream) {
    RETURN_IF_ERROR(download.FetchStream(digest, [&](std::string_view piece) {
      bytes.append(piece);
      return absl::OkStatus();
    }));
  } else {
    RETURN_IF_ERROR(download.FetchBatch({digest}, [&](size_t, std::string_view whole) {
      bytes = whole;
      return absl::OkStatus();
    }));
  }
  return bytes;
}

absl::Status BlobTransfer::DownloadAll(std::vector<Download> blobs, const TransferProgress& progress) {
  ASSIGN_OR_RETURN(TransferLimits limits, Limits());
  std::vector<Digest> digests;
  digests.reserve(blobs.size());
  for (const Download& blob : blobs) digests.push_back(blob.digest);
  ProgressSum sum(progress);
  BlobDownload download(impl_->connection, limits.zstd && !impl_->local, sum);
  auto open = [](const Download& blob) -> absl::StatusOr<platform::ScopedFd> {
    ASSIGN_OR_RETURN_CTX(int fd, blob.open(), blob.name);
    return platform::ScopedFd(fd);
  };
  std::vector<Parcel> parcels = PackParcels(digests, limits.max_batch_bytes);
  return platform::ParallelFor(parcels.size(), impl_->streams, 1, [&](size_t i) -> absl::Status {
    const Parcel& parcel = parcels[i];
    if (parcel.stream) {
      const Download& blob = blobs[parcel.places[0]];
      ASSIGN_OR_RETURN(platform::ScopedFd fd, open(blob));
      RETURN_IF_ERROR_CTX(download.FetchStream(
                              blob.digest, [&](std::string_view bytes) { return platform::WriteAll(fd.get(), bytes); }),
                          blob.name);
      return absl::OkStatus();
    }
    std::vector<Digest> batch;
    for (size_t place : parcel.places) batch.push_back(digests[place]);
    auto write = [&](size_t place, std::string_view bytes) -> absl::Status {
      const Download& blob = blobs[parcel.places[place]];
      ASSIGN_OR_RETURN(platform::ScopedFd fd, open(blob));
      RETURN_IF_ERROR_CTX(platform::WriteAll(fd.get(), bytes), blob.name);
      return absl::OkStatus();
    };
    return download.FetchBatch(batch, write, [&](size_t place) { return blobs[parcel.places[place]].name; });
  });
}

}  // namespace wasmagent::content
