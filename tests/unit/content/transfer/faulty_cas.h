// A store behind a socket in the test's own process that fails in the ways it is told to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "content/compression.h"
#include "content/digest.h"
#include "content/resource_name.h"
#include "content/transfer/cas_connection.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "platform/directory.h"
#include "tests/unit/content/transfer/said_by_server.h"

namespace wasmagent::content {

// The fields are set before calls are made, and read after them.
class FaultyCas : public reapi::ContentAddressableStorage::Service,
                  public google::bytestream::ByteStream::Service,
                  public reapi::Capabilities::Service {
 public:
  explicit FaultyCas(bool with_capabilities = true)
      : directory_(platform::MakeTemporaryDirectory("/tmp", "cas-").value()) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + directory_ + "/s", grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<reapi::ContentAddressableStorage::Service*>(this));
    builder.RegisterService(static_cast<google::bytestream::ByteStream::Service*>(this));
    if (with_capabilities) builder.RegisterService(static_cast<reapi::Capabilities::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~FaultyCas() override {
    server_->Shutdown(std::chrono::system_clock::now());
    EXPECT_TRUE(platform::RemoveTree(directory_).ok());
  }
  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel("unix:" + directory_ + "/s", grpc::InsecureChannelCredentials());
  }
  Digest Add(const std::string& bytes) {
    blobs[Digest::Of(bytes).Hex()] = bytes;
    return Digest::Of(bytes);
  }

  // What goes wrong. The next `failures` calls, or starts of streams, end with `failure`; then, `cuts` streams end with
  // it after `cut_after` bytes each.
  int failures = 0;
  grpc::Status failure = {grpc::StatusCode::UNAVAILABLE, "try later"};
  int cuts = 0;
  size_t cut_after = 0;
  // A read that is cut ends as if it were whole.
  bool cut_silently = false;
  // By hash: what the answer to a batch says of one blob; it leaves out a blob with an empty optional.
  std::map<std::string, std::optional<grpc::StatusCode>> answers;
  bool forgets_uploads = false;
  reapi::ServerCapabilities capabilities;

  // What there is, and what was asked.
  absl::Mutex mutex;
  std::map<std::string, std::string> blobs;
  int calls = 0;  // without QueryWriteStatus and GetCapabilities
  int capability_calls = 0;
  int compressed = 0;                   // blobs that came so
  std::vector<size_t> asked;            // digests in each FindMissingBlobs
  std::vector<size_t> offsets;          // where each stream began
  std::vector<std::string> stream_ids;  // of uploads

 private:
  // Counts the call; its failure, if it has one to come.
  std::optional<grpc::Status> Begin() {
    ++calls;
    if (failures == 0) return std::nullopt;
    --failures;
    return failure;
  }
  grpc::Status GetCapabilities(grpc::ServerContext*, const reapi::GetCapabilitiesRequest*,
                               reapi::ServerCapabilities* response) override {
    absl::MutexLock lock(&mutex);
    ++capability_calls;
    if (failures > 0) {
      --failures;
      return failure;
    }
    *response = capabilities;
    return grpc::Status::OK;
  }
  grpc::Status FindMissingBlobs(grpc::ServerContext*, const reapi::FindMissingBlobsRequest* request,
                                reapi::FindMissingBlobsResponse* response) override {
    absl::MutexLock lock(&mutex);
    if (auto failed = Begin()) return *failed;
    asked.push_back(static_cast<size_t>(request->blob_digests_size()));
    // Backwards: the answer's order is the server's.
    for (int i = request->blob_digests_size(); i-- > 0;) {
      if (!blobs.contains(request->blob_digests(i).hash()))
        *response->add_missing_blob_digests() = request->blob_digests(i);
    }
    return grpc::Status::OK;
  }
  grpc::Status BatchUpdateBlobs(grpc::ServerContext*, const reapi::BatchUpdateBlobsRequest* request,
                                reapi::BatchUpdateBlobsResponse* response) override {
    absl::MutexLock lock(&mutex);
    if (auto failed = Begin()) return *failed;
    for (const auto& item : request->requests()) {
      auto told = answers.find(item.digest().hash());
      if (told != answers.end() && !told->second) continue;
      auto* answer = response->add_responses();
      *answer->mutable_digest() = item.digest();
      if (told != answers.end()) {
        answer->mutable_status()->set_code(static_cast<int>(*told->second));
        answer->mutable_status()->set_message("so the server says");
        continue;
      }
      bool packed = item.compressor() == reapi::Compressor::ZSTD;
      compressed += packed ? 1 : 0;
      blobs[item.digest().hash()] = packed ? Decompress(item.data(), 1 << 30).value() : item.data();
    }
    return grpc::Status::OK;
  }
  grpc::Status BatchReadBlobs(grpc::ServerContext*, const reapi::BatchReadBlobsRequest* request,
                              reapi::BatchReadBlobsResponse* response) override {
    absl::MutexLock lock(&mutex);
    if (auto failed = Begin()) return *failed;
    for (const auto& digest : request->digests()) {
      auto told = answers.find(digest.hash());
      if (told != answers.end() && !told->second) continue;
      auto* answer = response->add_responses();
      *answer->mutable_digest() = digest;
      if (told != answers.end()) {
        answer->mutable_status()->set_code(static_cast<int>(*told->second));
        answer->mutable_status()->set_message("so the server says");
      } else {
        answer->set_data(blobs[digest.hash()]);
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status Read(grpc::ServerContext*, const google::bytestream::ReadRequest* request,
                    grpc::ServerWriter<google::bytestream::ReadResponse>* writer) override {
    absl::MutexLock lock(&mutex);
    offsets.push_back(static_cast<size_t>(request->read_offset()));
    if (auto failed = Begin()) return *failed;
    ResourceName name = ParseResourceName(request->resource_name()).value();
    if (!blobs.contains(name.digest.Hex())) return {grpc::StatusCode::NOT_FOUND, "no such blob"};
    std::string bytes = blobs[name.digest.Hex()].substr(static_cast<size_t>(request->read_offset()));
    if (name.zstd) bytes = Compress(bytes);
    bool cut = cuts > 0 && bytes.size() > cut_after;
    if (cut) bytes.resize(cut_after);
    for (size_t at = 0; at < bytes.size(); at += 100'000) {
      google::bytestream::ReadResponse response;
      response.set_data(bytes.substr(at, 100'000));
      writer->Write(response);
    }
    cuts -= cut ? 1 : 0;
    return cut && !cut_silently ? failure : grpc::Status::OK;
  }
  grpc::Status Write(grpc::ServerContext*, grpc::ServerReader<google::bytestream::WriteRequest>* reader,
                     google::bytestream::WriteResponse* response) override {
    google::bytestream::WriteRequest request;
    if (!reader->Read(&request)) return {grpc::StatusCode::CANCELLED, "nothing came"};
    absl::MutexLock lock(&mutex);
    offsets.push_back(static_cast<size_t>(request.write_offset()));
    stream_ids.push_back(request.resource_name());
    if (auto failed = Begin()) return *failed;
    ResourceName name = ParseResourceName(request.resource_name()).value();
    response->set_committed_size(static_cast<int64_t>(name.digest.size));
    if (blobs.contains(name.digest.Hex())) return grpc::Status::OK;
    std::string& partial = partial_[request.resource_name()];
    if (request.write_offset() == 0) partial.clear();
    const std::string key = request.resource_name();
    const size_t begun = partial.size();
    while (true) {
      if (request.write_offset() != static_cast<int64_t>(partial.size()))
        return {grpc::StatusCode::INVALID_ARGUMENT, "a gap"};
      partial += request.data();
      if (cuts > 0 && partial.size() - begun >= cut_after) {
        --cuts;
        if (forgets_uploads) partial_.erase(key);
        return failure;
      }
      if (request.finish_write()) break;
      if (!reader->Read(&request)) return {grpc::StatusCode::CANCELLED, "the client has gone"};
    }
    std::string bytes = name.zstd ? Decompress(partial, name.digest.size).value() : partial;
    compressed += name.zstd ? 1 : 0;
    if (Digest::Of(bytes) != name.digest) return {grpc::StatusCode::INVALID_ARGUMENT, "other bytes"};
    response->set_committed_size(static_cast<int64_t>(partial.size()));
    blobs[name.digest.Hex()] = bytes;
    partial_.erase(key);
    return grpc::Status::OK;
  }
  grpc::Status QueryWriteStatus(grpc::ServerContext*, const google::bytestream::QueryWriteStatusRequest* request,
                                google::bytestream::QueryWriteStatusResponse* response) override {
    absl::MutexLock lock(&mutex);
    ResourceName name = ParseResourceName(request->resource_name()).value();
    auto partial = partial_.find(request->resource_name());
    if (blobs.contains(name.digest.Hex())) {
      response->set_committed_size(static_cast<int64_t>(name.digest.size));
      response->set_complete(true);
    } else if (partial != partial_.end()) {
      response->set_committed_size(static_cast<int64_t>(partial->second.size()));
    } else {
      return {grpc::StatusCode::NOT_FOUND, "no such upload"};
    }
    return grpc::Status::OK;
  }

  const std::string directory_;
  std::map<std::string, std::string> partial_;
  std::unique_ptr<grpc::Server> server_;
};

// Waits as long as a client does, in steps that no test feels.
inline constexpr RetryLimits kQuickRetry = {absl::Seconds(30), absl::Milliseconds(1), absl::Milliseconds(1)};
// Does not wait at all.
inline constexpr RetryLimits kNoPatience = {absl::ZeroDuration(), absl::Milliseconds(1), absl::Milliseconds(1)};

// Bytes that do not compress, the same each time.
inline std::string Noise(size_t size) {
  std::mt19937 random(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

}  // namespace wasmagent::content
