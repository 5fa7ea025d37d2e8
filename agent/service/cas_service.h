// build.bazel.remote.execution.v2.ContentAddressableStorage over the blob store.
#pragma once

#include "agent/store/blob_store.h"
#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"
#include "platform/worker_pool.h"

namespace wasmagent::service {

// Answers on the pool's threads; borrows store and pool. Every instance name is the same store. A Directory is present
// when everything below it is, so that a client may ask for a root alone.
class CasService final : public build::bazel::remote::execution::v2::ContentAddressableStorage::CallbackService {
 public:
  CasService(store::BlobStore& store, platform::WorkerPool& pool) : store_(store), pool_(pool) {}

  grpc::ServerUnaryReactor* FindMissingBlobs(
      grpc::CallbackServerContext* context, const build::bazel::remote::execution::v2::FindMissingBlobsRequest* request,
      build::bazel::remote::execution::v2::FindMissingBlobsResponse* response) override;
  grpc::ServerUnaryReactor* BatchUpdateBlobs(
      grpc::CallbackServerContext* context, const build::bazel::remote::execution::v2::BatchUpdateBlobsRequest* request,
      build::bazel::remote::execution::v2::BatchUpdateBlobsResponse* response) override;
  grpc::ServerUnaryReactor* BatchReadBlobs(
      grpc::CallbackServerContext* context, const build::bazel::remote::execution::v2::BatchReadBlobsRequest* request,
      build::bazel::remote::execution::v2::BatchReadBlobsResponse* response) override;
  grpc::ServerWriteReactor<build::bazel::remote::execution::v2::GetTreeResponse>* GetTree(
      grpc::CallbackServerContext* context,
      const build::bazel::remote::execution::v2::GetTreeRequest* request) override;

 private:
  store::BlobStore& store_;
  platform::WorkerPool& pool_;
};

}  // namespace wasmagent::service
