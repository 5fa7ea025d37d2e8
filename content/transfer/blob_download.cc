#include "content/transfer/blob_download.h"

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "content/compression.h"
#include "content/resource_name.h"
#include "content/transfer/rpc_status.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

absl::Status Damaged(const Digest& digest) {
  return absl::DataLossError(fmt::format("the server sent other bytes for blob {}", digest.ToString()));
}

// What has come of a stream: hashed, counted, passed on.
class Received {
 public:
  Received(const Digest& digest, const std::function<absl::Status(std::string_view)>& sink)
      : digest_(digest), sink_(sink) {}
  absl::Status Take(std::string_view bytes) {
    if (bytes.size() > digest_.size - size_) return Damaged(digest_);
    size_ += bytes.size();
    hasher_.Update(bytes);
    return sink_(bytes);
  }
  absl::Status Check() { return hasher_.Finish() == digest_ ? absl::OkStatus() : Damaged(digest_); }
  uint64_t size() const { return size_; }

 private:
  const Digest digest_;
  const std::function<absl::Status(std::string_view)>& sink_;
  Hasher hasher_;
  uint64_t size_ = 0;
};

}  // namespace

absl::Status BlobDownload::FetchBatch(const std::vector<Digest>& digests,
                                      const std::function<absl::Status(size_t, std::string_view)>& sink,
                                      const std::function<std::string(size_t)>& name) {
  reapi::BatchReadBlobsRequest request;
  absl::flat_hash_map<std::string, std::vector<size_t>> wanted;
  for (size_t i = 0; i < digests.size(); ++i) {
    auto& places = wanted[digests[i].Hex()];
    if (places.empty()) *request.add_digests() = digests[i].ToProto();
    places.push_back(i);
  }
  reapi::BatchReadBlobsResponse response;
  Retry retry = connection_.NewRetry();
  absl::Status status;
  do {
    grpc::ClientContext context;
    status = FromGrpcStatus(connection_.Next().cas->BatchReadBlobs(&context, request, &response));
  } while (retry.Again(status));
  RETURN_IF_ERROR_CTX(status, fmt::format("fetch {} blobs", digests.size()));
  for (auto& answer : *response.mutable_responses()) {
    auto places = wanted.find(answer.digest().hash());
    if (places == wanted.end()) continue;
    const Digest& digest = digests[places->second.front()];
    absl::Status fetched = platform::Annotate(FromRpcStatus(answer.status()), "fetch blob " + digest.ToString());
    if (fetched.ok() && (answer.compressor() != reapi::Compressor::IDENTITY || Digest::Of(answer.data()) != digest))
      fetched = Damaged(digest);
    if (!fetched.ok()) return name ? platform::Annotate(fetched, name(places->second.front())) : fetched;
    for (size_t place : places->second) RETURN_IF_ERROR(sink(place, answer.data()));
    progress_.Add(places->second.size(), digest.size * places->second.size());
    wanted.erase(places);
  }
  if (wanted.empty()) return absl::OkStatus();
  return absl::InternalError(fmt::format("the server gave no answer for {} blobs", wanted.size()));
}

absl::Status BlobDownload::FetchStream(const Digest& digest,
                                       const std::function<absl::Status(std::string_view)>& sink) {
  google::bytestream::ReadRequest request;
  request.set_resource_name(ResourceName{"", "", digest, compress_}.ToString());
  Received received(digest, sink);
  Retry retry = connection_.NewRetry();
  absl::Status status;
  do {
    const uint64_t before = received.size();
    request.set_read_offset(static_cast<int64_t>(before));
    grpc::ClientContext context;
    auto reader = connection_.Next().bytes->Read(&context, request);
    std::optional<Decompressor> unpack;
    if (compress_) unpack.emplace(digest.size - before);
    google::bytestream::ReadResponse response;
    absl::Status taken;
    std::string plain;
    while (taken.ok() && reader->Read(&response)) {
      plain.clear();
      if (unpack) taken = unpack->Append(response.data(), plain);
      uint64_t so_far = received.size();
      if (taken.ok()) taken = received.Take(unpack ? plain : response.data());
      progress_.Add(0, received.size() - so_far);
    }
    if (!taken.ok()) context.TryCancel();
    status = FromGrpcStatus(reader->Finish());
    if (!taken.ok()) return platform::Annotate(taken, "fetch blob " + digest.ToString());
    if (status.ok() && received.size() < digest.size) status = absl::UnavailableError("the stream ended early");
    if (received.size() > before) retry.Renew();
  } while (retry.Again(status));
  RETURN_IF_ERROR_CTX(status, "fetch blob " + digest.ToString());
  RETURN_IF_ERROR(received.Check());
  progress_.Add(1, 0);
  return absl::OkStatus();
}

}  // namespace wasmagent::content
