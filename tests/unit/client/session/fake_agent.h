// A server in the test's own process that plays an agent by script.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "client/session/agent_connection.h"
#include "content/digest.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "wasmagent/v1/agent_service.grpc.pb.h"
#include "wasmagent/v1/build_service.grpc.pb.h"

namespace wasmagent::client {

// Every call does what the test put into its function. Blobs that are sent or imported are in `blobs`.
class FakeAgent : public wasmagent::v1::BuildService::Service,
                  public wasmagent::v1::AgentService::Service,
                  public content::reapi::ContentAddressableStorage::Service {
 public:
  using Watch =
      std::function<grpc::Status(const wasmagent::v1::WatchBuildRequest&,
                                 grpc::ServerWriter<wasmagent::v1::WatchBuildResponse>*, grpc::ServerContext*)>;

  explicit FakeAgent(const std::string& socket) : address_("unix:" + socket) { Start(); }
  ~FakeAgent() override { Stop(); }
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(address_, grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<wasmagent::v1::BuildService::Service*>(this));
    builder.RegisterService(static_cast<wasmagent::v1::AgentService::Service*>(this));
    builder.RegisterService(static_cast<content::reapi::ContentAddressableStorage::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  void Stop() {
    if (server_) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  AgentAddress address() const { return {address_, "fake", ""}; }

  std::function<grpc::Status(const wasmagent::v1::StartBuildRequest&)> start;
  std::vector<Watch> watches;  // one for each attempt; the last one again for all that follow
  std::function<grpc::Status(const wasmagent::v1::ImportBlobsRequest&, wasmagent::v1::ImportBlobsResponse*)> import;
  std::vector<std::string> bind_roots;
  absl::Mutex mutex;
  std::set<std::string> blobs;         // hashes
  std::vector<std::string> sent;       // hashes, in the order in which they came over the wire
  std::vector<std::string> build_ids;  // of StartBuild
  std::vector<uint64_t> watched_after;
  int find_missing_calls = 0;

 private:
  grpc::Status StartBuild(grpc::ServerContext*, const wasmagent::v1::StartBuildRequest* request,
                          wasmagent::v1::StartBuildResponse* response) override {
    {
      absl::MutexLock lock(&mutex);
      build_ids.push_back(request->build().build_id());
    }
    *response->mutable_build()->mutable_request() = request->build();
    return start ? start(*request) : grpc::Status::OK;
  }
  grpc::Status WatchBuild(grpc::ServerContext* context, const wasmagent::v1::WatchBuildRequest* request,
                          grpc::ServerWriter<wasmagent::v1::WatchBuildResponse>* writer) override {
    Watch watch;
    {
      absl::MutexLock lock(&mutex);
      watch = watches.at(std::min(watched_after.size(), watches.size() - 1));
      watched_after.push_back(request->after_sequence());
    }
    return watch(*request, writer, context);
  }
  grpc::Status GetAgentInfo(grpc::ServerContext*, const wasmagent::v1::GetAgentInfoRequest*,
                            wasmagent::v1::GetAgentInfoResponse* response) override {
    for (const auto& root : bind_roots) response->add_bind_roots(root);
    return grpc::Status::OK;
  }
  grpc::Status ImportBlobs(grpc::ServerContext*, const wasmagent::v1::ImportBlobsRequest* request,
                           wasmagent::v1::ImportBlobsResponse* response) override {
    return import ? import(*request, response) : grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "no");
  }
  grpc::Status FindMissingBlobs(grpc::ServerContext*, const content::reapi::FindMissingBlobsRequest* request,
                                content::reapi::FindMissingBlobsResponse* response) override {
    absl::MutexLock lock(&mutex);
    ++find_missing_calls;
    for (const auto& digest : request->blob_digests()) {
      if (!blobs.contains(digest.hash())) *response->add_missing_blob_digests() = digest;
    }
    return grpc::Status::OK;
  }
  grpc::Status BatchUpdateBlobs(grpc::ServerContext*, const content::reapi::BatchUpdateBlobsRequest* request,
                                content::reapi::BatchUpdateBlobsResponse* response) override {
    absl::MutexLock lock(&mutex);
    for (const auto& blob : request->requests()) {
      auto& answer = *response->add_responses();
      *answer.mutable_digest() = blob.digest();
      if (content::Digest::Of(blob.data()).Hex() != blob.digest().hash()) {
        answer.mutable_status()->set_code(static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
        answer.mutable_status()->set_message("other bytes");
        continue;
      }
      blobs.insert(blob.digest().hash());
      sent.push_back(blob.digest().hash());
    }
    return grpc::Status::OK;
  }

  const std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace wasmagent::client
