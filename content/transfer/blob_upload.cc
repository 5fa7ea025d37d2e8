#include "content/transfer/blob_upload.h"

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "content/compression.h"
#include "content/resource_name.h"
#include "content/transfer/rpc_status.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Below this, compressing saves less than it costs.
constexpr uint64_t kWorthCompressing = uint64_t{64} << 10;

std::string NameOf(const BlobSource& blob) { return blob.name.empty() ? "blob " + blob.digest.ToString() : blob.name; }

absl::Status Changed(const BlobSource& blob) {
  return absl::AbortedError(fmt::format("{} changed while it was being sent", NameOf(blob)));
}

// The server's word on one blob: it refuses bytes that do not have their digest, which means that the file has changed.
absl::Status Explain(const BlobSource& blob, const absl::Status& status) {
  if (status.code() == absl::StatusCode::kInvalidArgument && blob.open) return Changed(blob);
  return platform::Annotate(status, "send " + NameOf(blob));
}

absl::StatusOr<platform::ScopedFd> OpenSource(const BlobSource& blob) {
  absl::StatusOr<int> fd = blob.open();
  // A file that is gone has changed, too.
  if (!fd.ok() && fd.status().code() == absl::StatusCode::kNotFound) return Changed(blob);
  if (!fd.ok()) return platform::Annotate(fd.status(), NameOf(blob));
  return platform::ScopedFd(*fd);
}

// Reads up to `size` bytes of the source at `offset`; fewer than the digest says is a change.
absl::Status ReadPiece(const BlobSource& blob, const platform::ScopedFd& fd, uint64_t offset, size_t size,
                       std::string& out) {
  if (!blob.open) {
    if (blob.bytes.size() != blob.digest.size)
      return absl::InvalidArgumentError(NameOf(blob) + ": not the digest's size");
    out.assign(blob.bytes, offset, size);
    return absl::OkStatus();
  }
  out.resize(size);
  ASSIGN_OR_RETURN_CTX(size_t got, platform::ReadAt(fd.get(), out.data(), size, offset), NameOf(blob));
  return got == size ? absl::OkStatus() : Changed(blob);
}

// The whole source, for a batch. A file that has grown has changed, too: one byte more is asked for.
absl::Status ReadWhole(const BlobSource& blob, std::string& out) {
  platform::ScopedFd fd;
  if (blob.open) {
    ASSIGN_OR_RETURN(fd, OpenSource(blob));
    out.resize(blob.digest.size + 1);
    ASSIGN_OR_RETURN_CTX(size_t got, platform::ReadAt(fd.get(), out.data(), out.size(), 0), NameOf(blob));
    out.resize(got);
    return got == blob.digest.size ? absl::OkStatus() : Changed(blob);
  }
  return ReadPiece(blob, fd, 0, blob.digest.size, out);
}

}  // namespace

absl::Status BlobUpload::SendBatch(const std::vector<BlobSource*>& blobs) {
  reapi::BatchUpdateBlobsRequest request;
  uint64_t bytes = 0;
  for (const BlobSource* blob : blobs) {
    auto* item = request.add_requests();
    *item->mutable_digest() = blob->digest.ToProto();
    RETURN_IF_ERROR(ReadWhole(*blob, *item->mutable_data()));
    bytes += blob->digest.size;
    if (!compress_ || blob->digest.size <= kWorthCompressing) continue;
    std::string packed = Compress(item->data());
    if (packed.empty() || packed.size() >= item->data().size()) continue;
    *item->mutable_data() = std::move(packed);
    item->set_compressor(reapi::Compressor::ZSTD);
  }
  reapi::BatchUpdateBlobsResponse response;
  Retry retry = connection_.NewRetry();
  absl::Status status;
  do {
    grpc::ClientContext context;
    status = FromGrpcStatus(connection_.Next().cas->BatchUpdateBlobs(&context, request, &response));
  } while (retry.Again(status));
  RETURN_IF_ERROR_CTX(status, fmt::format("send {} files", blobs.size()));
  absl::flat_hash_map<std::string, const google::rpc::Status*> answers;
  for (const auto& answer : response.responses()) answers[answer.digest().hash()] = &answer.status();
  for (const BlobSource* blob : blobs) {
    auto answer = answers.find(blob->digest.Hex());
    if (answer == answers.end())
      return absl::InternalError(fmt::format("the server gave no answer for {}", NameOf(*blob)));
    if (absl::Status one = FromRpcStatus(*answer->second); !one.ok()) return Explain(*blob, one);
  }
  progress_.Add(blobs.size(), bytes);
  return absl::OkStatus();
}

// One blob on its way as a stream, over all tries.
struct BlobUpload::Stream {
  platform::ScopedFd fd;
  std::string name;
  bool zstd = false;
  // Bytes that the server has for sure, and those that were told as progress.
  uint64_t committed = 0;
  uint64_t told = 0;
  bool complete = false;
};

// Takes up where the server is: what it knows nothing of begins anew, as a compressed stream always does. UNAVAILABLE
// while it is away.
absl::Status BlobUpload::AskCommitted(const BlobSource& blob, Stream& stream) {
  google::bytestream::QueryWriteStatusResponse answer;
  if (!stream.zstd) {
    grpc::ClientContext context;
    google::bytestream::QueryWriteStatusRequest query;
    query.set_resource_name(stream.name);
    absl::Status status = FromGrpcStatus(connection_.Next().bytes->QueryWriteStatus(&context, query, &answer));
    if (absl::IsUnavailable(status)) return status;
    if (!status.ok()) answer.Clear();
  }
  stream.complete = answer.complete();
  bool sound = answer.committed_size() > 0 && answer.committed_size() <= static_cast<int64_t>(blob.digest.size);
  stream.committed = sound ? static_cast<uint64_t>(answer.committed_size()) : 0;
  return absl::OkStatus();
}

absl::Status BlobUpload::TryStream(BlobSource& blob, Stream& stream) {
  grpc::ClientContext context;
  google::bytestream::WriteResponse response;
  auto writer = connection_.Next().bytes->Write(&context, &response);
  std::optional<Compressor> pack;
  if (stream.zstd) pack.emplace();
  uint64_t offset = stream.committed;
  uint64_t sent = stream.committed;
  google::bytestream::WriteRequest request;
  request.set_resource_name(stream.name);
  absl::Status read;
  std::string piece;
  do {
    size_t size = static_cast<size_t>(std::min<uint64_t>(kStreamChunk, blob.digest.size - offset));
    read = ReadPiece(blob, stream.fd, offset, size, piece);
    if (!read.ok()) break;
    offset += size;
    bool last = offset == blob.digest.size;
    std::string packed;
    if (pack) {
      read = pack->Append(piece, last, packed);
      if (!read.ok()) break;
      if (packed.empty() && !last) continue;
    }
    request.set_write_offset(static_cast<int64_t>(sent));
    request.set_data(pack ? std::move(packed) : std::move(piece));
    request.set_finish_write(last);
    sent += request.data().size();
    // A failed write means that the server has answered: it has the blob already, or an error.
    if (!writer->Write(request)) break;
    request.clear_resource_name();
    if (offset > stream.told) progress_.Add(0, offset - stream.told);
    stream.told = std::max(stream.told, offset);
  } while (offset < blob.digest.size);
  if (!read.ok()) context.TryCancel();
  writer->WritesDone();
  absl::Status status = FromGrpcStatus(writer->Finish());
  if (!read.ok()) return read;
  RETURN_IF_ERROR(status);
  int64_t committed = response.committed_size();
  bool whole =
      committed == static_cast<int64_t>(blob.digest.size) || committed == static_cast<int64_t>(sent) || committed == -1;
  return whole ? absl::OkStatus() : absl::UnavailableError(fmt::format("only {} bytes were taken", committed));
}

absl::Status BlobUpload::SendStream(BlobSource& blob) {
  Stream stream;
  if (blob.open) {
    ASSIGN_OR_RETURN(stream.fd, OpenSource(blob));
  }
  if (compress_ && blob.digest.size > kWorthCompressing) {
    // The first piece tells whether the rest is worth it.
    std::string first;
    size_t size = static_cast<size_t>(std::min<uint64_t>(kStreamChunk, blob.digest.size));
    RETURN_IF_ERROR(ReadPiece(blob, stream.fd, 0, size, first));
    stream.zstd = Compress(first).size() < first.size() / 10 * 9;
  }
  stream.name = ResourceName{"", NewUploadId(), blob.digest, stream.zstd}.ToString();
  Retry retry = connection_.NewRetry();
  absl::Status status = TryStream(blob, stream);
  while (retry.Again(status)) {
    const uint64_t before = stream.committed;
    status = AskCommitted(blob, stream);
    if (!status.ok()) continue;
    if (stream.committed > before) retry.Renew();
    if (!stream.complete) status = TryStream(blob, stream);
  }
  if (!status.ok()) return Explain(blob, status);
  progress_.Add(1, blob.digest.size > stream.told ? blob.digest.size - stream.told : 0);
  return absl::OkStatus();
}

}  // namespace wasmagent::content
