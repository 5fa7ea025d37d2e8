#include "agent/service/cas_service.h"

#include <charconv>
#include <deque>

#include "absl/container/flat_hash_set.h"
#include "agent/service/capabilities_service.h"
#include "agent/service/status_conversion.h"
#include "agent/service/unary.h"
#include "content/compression.h"
#include "content/tree.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::service {
namespace {

namespace reapi = ::build::bazel::remote::execution::v2;
using content::Digest;

// Digests in one FindMissingBlobs call: what fits a message of 4 MiB many times over is a mistake.
constexpr int kMostDigests = 50'000;
// Bytes that a batch may grow to when it is decompressed: what the largest message could hold plain.
constexpr uint64_t kMostUncompressed = uint64_t{16} << 20;
// Directories in one message of GetTree, and their bytes, unless the client wants fewer.
constexpr int kTreePage = 1000;
constexpr size_t kTreePageBytes = size_t{1} << 20;

absl::Status CheckFunction(int function) {
  if (function == reapi::DigestFunction::UNKNOWN || function == reapi::DigestFunction::SHA256) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("digest function {} is not known, only SHA256", function));
}

absl::Status FindMissing(store::BlobStore& store, const reapi::FindMissingBlobsRequest& request,
                         reapi::FindMissingBlobsResponse& response) {
  RETURN_IF_ERROR(CheckFunction(request.digest_function()));
  if (request.blob_digests_size() > kMostDigests) {
    return absl::InvalidArgumentError(
        fmt::format("{} digests, at most {} a call", request.blob_digests_size(), kMostDigests));
  }
  std::vector<Digest> digests;
  digests.reserve(static_cast<size_t>(request.blob_digests_size()));
  for (const reapi::Digest& proto : request.blob_digests()) {
    ASSIGN_OR_RETURN(Digest digest, Digest::FromProto(proto));
    digests.push_back(digest);
  }
  for (const Digest& digest : store.FindMissingWhole(digests)) *response.add_missing_blob_digests() = digest.ToProto();
  return absl::OkStatus();
}

// The plain bytes of one item; `unpacked` owns them when they came compressed.
absl::StatusOr<std::string_view> PlainBytes(const reapi::BatchUpdateBlobsRequest::Request& item, const Digest& digest,
                                            std::deque<std::string>& unpacked) {
  if (item.compressor() == reapi::Compressor::IDENTITY) return item.data();
  if (item.compressor() != reapi::Compressor::ZSTD) {
    return absl::InvalidArgumentError(
        fmt::format("compressor {} is not known, only IDENTITY and ZSTD", static_cast<int>(item.compressor())));
  }
  ASSIGN_OR_RETURN(std::string bytes, content::Decompress(item.data(), digest.size));
  return unpacked.emplace_back(std::move(bytes));
}

// Sizes come from the wire: a sum that would overflow is as good as endless.
uint64_t AddSize(uint64_t sum, int64_t size) {
  const uint64_t more = static_cast<uint64_t>(std::max<int64_t>(size, 0));
  return more > UINT64_MAX - sum ? UINT64_MAX : sum + more;
}

absl::Status BatchUpdate(store::BlobStore& store, const reapi::BatchUpdateBlobsRequest& request,
                         reapi::BatchUpdateBlobsResponse& response) {
  RETURN_IF_ERROR(CheckFunction(request.digest_function()));
  uint64_t sent = 0;
  uint64_t plain = 0;
  for (const auto& item : request.requests()) {
    sent += item.data().size();
    plain = AddSize(plain, item.digest().size_bytes());
  }
  if (sent > static_cast<uint64_t>(kMaxBatchBytes) || plain > kMostUncompressed) {
    return absl::InvalidArgumentError(
        fmt::format("a batch of {} bytes ({} uncompressed), at most {} ({} uncompressed) are taken", sent, plain,
                    kMaxBatchBytes, kMostUncompressed));
  }
  std::vector<store::BlobStore::Put> puts;
  std::vector<int> places;
  std::deque<std::string> unpacked;
  for (int i = 0; i < request.requests_size(); ++i) {
    const auto& item = request.requests(i);
    auto* answer = response.add_responses();
    *answer->mutable_digest() = item.digest();
    auto digest = Digest::FromProto(item.digest());
    auto bytes = digest.ok() ? PlainBytes(item, *digest, unpacked) : digest.status();
    if (bytes.ok()) {
      puts.push_back({*digest, *bytes});
      places.push_back(i);
    } else {
      *answer->mutable_status() = ToRpcStatus(bytes.status());
    }
  }
  std::vector<absl::Status> statuses = store.PutAll(puts);
  for (size_t i = 0; i < places.size(); ++i) {
    *response.mutable_responses(places[i])->mutable_status() = ToRpcStatus(statuses[i]);
  }
  return absl::OkStatus();
}

absl::Status BatchRead(store::BlobStore& store, const reapi::BatchReadBlobsRequest& request,
                       reapi::BatchReadBlobsResponse& response) {
  RETURN_IF_ERROR(CheckFunction(request.digest_function()));
  uint64_t wanted = 0;
  for (const auto& proto : request.digests()) wanted = AddSize(wanted, proto.size_bytes());
  if (wanted > static_cast<uint64_t>(kMaxBatchBytes)) {
    return absl::InvalidArgumentError(fmt::format("a batch of {} bytes, at most {} are sent", wanted, kMaxBatchBytes));
  }
  for (const auto& proto : request.digests()) {
    auto* answer = response.add_responses();
    *answer->mutable_digest() = proto;
    auto digest = Digest::FromProto(proto);
    absl::StatusOr<std::string> bytes = digest.ok() ? store.Read(*digest) : digest.status();
    *answer->mutable_status() = ToRpcStatus(bytes.status());
    if (bytes.ok()) answer->set_data(*std::move(bytes));
  }
  return absl::OkStatus();
}

// Sends a tree page by page, parents first, each Directory once. Deletes itself when the call is over.
class TreeCall final : public grpc::ServerWriteReactor<reapi::GetTreeResponse> {
 public:
  TreeCall(store::BlobStore& store, platform::WorkerPool& pool, const reapi::GetTreeRequest& request)
      : store_(store),
        pool_(pool),
        page_size_(request.page_size() > 0 ? std::min(request.page_size(), kTreePage) : kTreePage) {
    pool_.Run([this, request] { Begin(request); });
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status(grpc::StatusCode::CANCELLED, "the reader is gone"));
    pool_.Run([this] { SendPage(); });
  }
  void OnDone() override { delete this; }

 private:
  void Begin(const reapi::GetTreeRequest& request) {
    absl::Status status = CheckFunction(request.digest_function());
    auto root = Digest::FromProto(request.root_digest());
    if (status.ok()) status = root.status();
    const std::string& token = request.page_token();
    auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), skip_);
    bool number = error == std::errc() && end == token.data() + token.size();
    if (status.ok() && !token.empty() && !number)
      status = absl::InvalidArgumentError("page_token is not one of this server");
    if (!status.ok()) return Finish(ToGrpcStatus(status));
    lease_ = store_.LeaseTree(*root);
    queue_.push_back(*root);
    seen_.insert(*root);
    SendPage();
  }

  absl::Status FillPage() {
    response_.Clear();
    size_t bytes = 0;
    while (!queue_.empty() && response_.directories_size() < page_size_ && bytes < kTreePageBytes) {
      Digest digest = queue_.front();
      queue_.pop_front();
      ++done_;
      absl::StatusOr<std::string> blob = store_.Read(digest);
      // A tree may be incomplete: then what is there is sent, but a root that is missing is an error.
      if (!blob.ok() && done_ > 1) continue;
      if (!blob.ok()) return blob.status();
      ASSIGN_OR_RETURN_CTX(auto directory, content::ParseDirectory(*blob), digest.ToString());
      for (const auto& child : directory.directories()) {
        ASSIGN_OR_RETURN(Digest below, Digest::FromProto(child.digest()));
        if (seen_.insert(below).second) queue_.push_back(below);
      }
      bytes += blob->size();
      if (done_ > skip_) *response_.add_directories() = std::move(directory);
    }
    if (!queue_.empty()) response_.set_next_page_token(fmt::format("{}", done_));
    return absl::OkStatus();
  }

  void SendPage() {
    absl::Status status = FillPage();
    if (!status.ok()) return Finish(ToGrpcStatus(status));
    if (queue_.empty()) return StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    StartWrite(&response_);
  }

  store::BlobStore& store_;
  platform::WorkerPool& pool_;
  const int page_size_;
  store::Lease lease_;
  std::deque<Digest> queue_;
  absl::flat_hash_set<Digest> seen_;
  uint64_t done_ = 0;
  uint64_t skip_ = 0;
  reapi::GetTreeResponse response_;
};

}  // namespace

grpc::ServerUnaryReactor* CasService::FindMissingBlobs(grpc::CallbackServerContext* context,
                                                       const reapi::FindMissingBlobsRequest* request,
                                                       reapi::FindMissingBlobsResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response] { return FindMissing(store_, *request, *response); });
}

grpc::ServerUnaryReactor* CasService::BatchUpdateBlobs(grpc::CallbackServerContext* context,
                                                       const reapi::BatchUpdateBlobsRequest* request,
                                                       reapi::BatchUpdateBlobsResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response] { return BatchUpdate(store_, *request, *response); });
}

grpc::ServerUnaryReactor* CasService::BatchReadBlobs(grpc::CallbackServerContext* context,
                                                     const reapi::BatchReadBlobsRequest* request,
                                                     reapi::BatchReadBlobsResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response] { return BatchRead(store_, *request, *response); });
}

grpc::ServerWriteReactor<reapi::GetTreeResponse>* CasService::GetTree(grpc::CallbackServerContext* /*context*/,
                                                                      const reapi::GetTreeRequest* request) {
  return new TreeCall(store_, pool_, *request);
}

}  // namespace wasmagent::service
