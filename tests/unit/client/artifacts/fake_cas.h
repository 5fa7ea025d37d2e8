// A store in the test's own process that answers reads, and fails when it is told to.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "absl/synchronization/mutex.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "content/digest.h"
#include "content/tree.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace wasmagent::client {

class FakeCas : public content::reapi::ContentAddressableStorage::Service,
                public google::bytestream::ByteStream::Service {
 public:
  FakeCas() {
    grpc::ServerBuilder builder;
    builder.RegisterService(static_cast<content::reapi::ContentAddressableStorage::Service*>(this));
    builder.RegisterService(static_cast<google::bytestream::ByteStream::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  std::shared_ptr<grpc::Channel> Channel() { return server_->InProcessChannel({}); }

  content::Digest Add(const std::string& bytes) {
    absl::MutexLock lock(&mutex_);
    content::Digest digest = content::Digest::Of(bytes);
    blobs_[digest.Hex()] = bytes;
    return digest;
  }
  // Adds a tree and returns its root.
  content::Digest AddTree(std::vector<content::TreeEntry> entries) {
    auto tree = content::BuildTree(std::move(entries)).value();
    for (const auto& [digest, bytes] : tree.directories) Add(bytes);
    return tree.root;
  }
  void Forget(const content::Digest& digest) {
    absl::MutexLock lock(&mutex_);
    blobs_.erase(digest.Hex());
  }

 private:
  grpc::Status BatchReadBlobs(grpc::ServerContext*, const content::reapi::BatchReadBlobsRequest* request,
                              content::reapi::BatchReadBlobsResponse* response) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& digest : request->digests()) {
      auto* answer = response->add_responses();
      *answer->mutable_digest() = digest;
      auto found = blobs_.find(digest.hash());
      if (found == blobs_.end()) {
        answer->mutable_status()->set_code(static_cast<int>(grpc::StatusCode::NOT_FOUND));
      } else {
        answer->set_data(found->second);
      }
    }
    return grpc::Status::OK;
  }
  grpc::Status Read(grpc::ServerContext*, const google::bytestream::ReadRequest* request,
                    grpc::ServerWriter<google::bytestream::ReadResponse>* writer) override {
    absl::MutexLock lock(&mutex_);
    for (const auto& [hash, bytes] : blobs_) {
      if (request->resource_name().find(hash) == std::string::npos) continue;
      google::bytestream::ReadResponse response;
      response.set_data(bytes.substr(static_cast<size_t>(request->read_offset())));
      writer->Write(response);
      return grpc::Status::OK;
    }
    return {grpc::StatusCode::NOT_FOUND, "no such blob"};
  }

  absl::Mutex mutex_;
  std::map<std::string, std::string> blobs_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace wasmagent::client
