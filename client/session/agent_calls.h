// The agent's unary calls as functions. Each has a deadline of its own; errors name the address.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "client/session/agent_connection.h"
#include "wasmagent/v1/agent_service.pb.h"
#include "wasmagent/v1/build_service.pb.h"

namespace wasmagent::client {

absl::StatusOr<wasmagent::v1::Build> GetBuild(AgentConnection& connection, const std::string& build_id);
absl::StatusOr<wasmagent::v1::ListBuildsResponse> ListBuilds(AgentConnection& connection,
                                                             const wasmagent::v1::ListBuildsRequest& request);
absl::StatusOr<wasmagent::v1::Build> CancelBuild(AgentConnection& connection, const std::string& build_id,
                                                 const std::string& reason);

absl::StatusOr<wasmagent::v1::GetAgentInfoResponse> GetAgentInfo(AgentConnection& connection);
absl::StatusOr<wasmagent::v1::GetDiskUseResponse> GetDiskUse(AgentConnection& connection);
absl::StatusOr<wasmagent::v1::ListWorkspacesResponse> ListWorkspaces(AgentConnection& connection);
absl::StatusOr<wasmagent::v1::VerifyWorkspaceResponse> VerifyWorkspace(AgentConnection& connection,
                                                                       const std::string& checkout_id);
// `target` empty means the one that failed, or the only one.
absl::StatusOr<wasmagent::v1::KeepBuildDirectoryResponse> KeepBuildDirectory(AgentConnection& connection,
                                                                             const std::string& build_id,
                                                                             const std::string& target);
absl::StatusOr<wasmagent::v1::CollectGarbageResponse> CollectGarbage(
    AgentConnection& connection, const wasmagent::v1::CollectGarbageRequest& request);
absl::StatusOr<wasmagent::v1::DrainResponse> Drain(AgentConnection& connection, bool resume);

}  // namespace wasmagent::client
