// wasmagent.v1.BuildService over the build manager.
#pragma once

#include "agent/builds/build_manager.h"
#include "platform/worker_pool.h"
#include "wasmagent/v1/build_service.grpc.pb.h"

namespace wasmagent::service {

// Turns calls into calls of the manager, on the pool's threads. Borrows both. A watcher costs no thread, one journal
// descriptor and at most one message of 256 KiB at a time.
class BuildServiceImpl final : public wasmagent::v1::BuildService::CallbackService {
 public:
  BuildServiceImpl(builds::BuildManager& manager, platform::WorkerPool& pool) : manager_(manager), pool_(pool) {}

  grpc::ServerUnaryReactor* StartBuild(grpc::CallbackServerContext* context,
                                       const wasmagent::v1::StartBuildRequest* request,
                                       wasmagent::v1::StartBuildResponse* response) override;
  grpc::ServerWriteReactor<wasmagent::v1::WatchBuildResponse>* WatchBuild(
      grpc::CallbackServerContext* context, const wasmagent::v1::WatchBuildRequest* request) override;
  grpc::ServerUnaryReactor* GetBuild(grpc::CallbackServerContext* context,
                                     const wasmagent::v1::GetBuildRequest* request,
                                     wasmagent::v1::GetBuildResponse* response) override;
  grpc::ServerUnaryReactor* ListBuilds(grpc::CallbackServerContext* context,
                                       const wasmagent::v1::ListBuildsRequest* request,
                                       wasmagent::v1::ListBuildsResponse* response) override;
  grpc::ServerUnaryReactor* CancelBuild(grpc::CallbackServerContext* context,
                                        const wasmagent::v1::CancelBuildRequest* request,
                                        wasmagent::v1::CancelBuildResponse* response) override;

 private:
  builds::BuildManager& manager_;
  platform::WorkerPool& pool_;
};

}  // namespace wasmagent::service
