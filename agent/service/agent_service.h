// wasmagent.v1.AgentService: what the agent offers and holds.
#pragma once

#include <string>
#include <vector>

#include "agent/builds/build_manager.h"
#include "agent/pipeline/planner.h"
#include "agent/pipeline/toolchain.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/workspace_pool.h"
#include "platform/worker_pool.h"
#include "wasmagent/v1/agent_service.grpc.pb.h"

namespace wasmagent::service {

// What of the agent's configuration its clients may know.
struct AgentFacts {
  std::string version;
  std::string isolation;
  uint32_t slots = 1;
  int jobs = 1;
  std::string jobs_reason;
  std::string state_directory;
  std::vector<std::string> bind_roots;
  uint64_t blob_budget_bytes = 0;
  absl::Time start_time;
};

// The parts that it asks. All outlive the service.
struct AgentParts {
  store::BlobStore& store;
  workspace::WorkspacePool& workspaces;
  builds::BuildManager& manager;
  const pipeline::Planner& planner;
  const pipeline::ToolchainInventory& inventory;
  platform::WorkerPool& pool;
};

// Turns calls into questions to the parts, on the pool's threads.
class AgentServiceImpl final : public wasmagent::v1::AgentService::CallbackService {
 public:
  AgentServiceImpl(AgentFacts facts, AgentParts parts) : facts_(std::move(facts)), parts_(parts) {}

  grpc::ServerUnaryReactor* GetAgentInfo(grpc::CallbackServerContext* context,
                                         const wasmagent::v1::GetAgentInfoRequest* request,
                                         wasmagent::v1::GetAgentInfoResponse* response) override;
  grpc::ServerUnaryReactor* ListTargets(grpc::CallbackServerContext* context,
                                        const wasmagent::v1::ListTargetsRequest* request,
                                        wasmagent::v1::ListTargetsResponse* response) override;
  grpc::ServerUnaryReactor* PlanBuild(grpc::CallbackServerContext* context,
                                      const wasmagent::v1::PlanBuildRequest* request,
                                      wasmagent::v1::PlanBuildResponse* response) override;
  grpc::ServerUnaryReactor* ImportBlobs(grpc::CallbackServerContext* context,
                                        const wasmagent::v1::ImportBlobsRequest* request,
                                        wasmagent::v1::ImportBlobsResponse* response) override;
  grpc::ServerUnaryReactor* GetDiskUse(grpc::CallbackServerContext* context,
                                       const wasmagent::v1::GetDiskUseRequest* request,
                                       wasmagent::v1::GetDiskUseResponse* response) override;
  grpc::ServerUnaryReactor* ListWorkspaces(grpc::CallbackServerContext* context,
                                           const wasmagent::v1::ListWorkspacesRequest* request,
                                           wasmagent::v1::ListWorkspacesResponse* response) override;
  grpc::ServerUnaryReactor* VerifyWorkspace(grpc::CallbackServerContext* context,
                                            const wasmagent::v1::VerifyWorkspaceRequest* request,
                                            wasmagent::v1::VerifyWorkspaceResponse* response) override;
  grpc::ServerUnaryReactor* KeepBuildDirectory(grpc::CallbackServerContext* context,
                                               const wasmagent::v1::KeepBuildDirectoryRequest* request,
                                               wasmagent::v1::KeepBuildDirectoryResponse* response) override;
  grpc::ServerUnaryReactor* CollectGarbage(grpc::CallbackServerContext* context,
                                           const wasmagent::v1::CollectGarbageRequest* request,
                                           wasmagent::v1::CollectGarbageResponse* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context, const wasmagent::v1::DrainRequest* request,
                                  wasmagent::v1::DrainResponse* response) override;

 private:
  absl::Status Describe(wasmagent::v1::GetAgentInfoResponse& response) const;
  absl::Status List(const wasmagent::v1::ListTargetsRequest& request,
                    wasmagent::v1::ListTargetsResponse& response) const;
  absl::Status Plan(const wasmagent::v1::PlanBuildRequest& request, wasmagent::v1::PlanBuildResponse& response) const;
  absl::Status Import(const wasmagent::v1::ImportBlobsRequest& request,
                      wasmagent::v1::ImportBlobsResponse& response) const;
  absl::Status DiskUse(wasmagent::v1::GetDiskUseResponse& response) const;
  const pipeline::Toolchain* FindToolchain(const std::string& fingerprint) const;

  const AgentFacts facts_;
  const AgentParts parts_;
};

}  // namespace wasmagent::service
