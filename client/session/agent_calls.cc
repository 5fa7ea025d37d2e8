#include "client/session/agent_calls.h"

#include "client/session/agent_stubs.h"
#include "platform/status.h"

namespace wasmagent::client {

namespace v1 = wasmagent::v1;
using BuildStub = v1::BuildService::Stub;
using AgentStub = v1::AgentService::Stub;

absl::StatusOr<v1::Build> GetBuild(AgentConnection& connection, const std::string& build_id) {
  v1::GetBuildRequest request;
  request.set_build_id(build_id);
  ASSIGN_OR_RETURN(auto response, UnaryCall<v1::GetBuildResponse>(connection, *connection.stubs().builds,
                                                                  &BuildStub::GetBuild, request, kShortCall));
  return std::move(*response.mutable_build());
}

absl::StatusOr<v1::ListBuildsResponse> ListBuilds(AgentConnection& connection, const v1::ListBuildsRequest& request) {
  return UnaryCall<v1::ListBuildsResponse>(connection, *connection.stubs().builds, &BuildStub::ListBuilds, request,
                                           kShortCall);
}

absl::StatusOr<v1::Build> CancelBuild(AgentConnection& connection, const std::string& build_id,
                                      const std::string& reason) {
  v1::CancelBuildRequest request;
  request.set_build_id(build_id);
  request.set_reason(reason);
  ASSIGN_OR_RETURN(auto response, UnaryCall<v1::CancelBuildResponse>(connection, *connection.stubs().builds,
                                                                     &BuildStub::CancelBuild, request, kShortCall));
  return std::move(*response.mutable_build());
}

absl::StatusOr<v1::GetAgentInfoResponse> GetAgentInfo(AgentConnection& connection) {
  return UnaryCall<v1::GetAgentInfoResponse>(connection, *connection.stubs().agent, &AgentStub::GetAgentInfo,
                                             v1::GetAgentInfoRequest(), kShortCall);
}

absl::StatusOr<v1::GetDiskUseResponse> GetDiskUse(AgentConnection& connection) {
  return UnaryCall<v1::GetDiskUseResponse>(connection, *connection.stubs().agent, &AgentStub::GetDiskUse,
                                           v1::GetDiskUseRequest(), kDiskCall);
}

absl::StatusOr<v1::ListWorkspacesResponse> ListWorkspaces(AgentConnection& connection) {
  return UnaryCall<v1::ListWorkspacesResponse>(connection, *connection.stubs().agent, &AgentStub::ListWorkspaces,
                                               v1::ListWorkspacesRequest(), kShortCall);
}

absl::StatusOr<v1::VerifyWorkspaceResponse> VerifyWorkspace(AgentConnection& connection,
                                                            const std::string& checkout_id) {
  v1::VerifyWorkspaceRequest request;
  request.set_checkout_id(checkout_id);
  return UnaryCall<v1::VerifyWorkspaceResponse>(connection, *connection.stubs().agent, &AgentStub::VerifyWorkspace,
                                                request, kDiskCall);
}

absl::StatusOr<v1::KeepBuildDirectoryResponse> KeepBuildDirectory(AgentConnection& connection,
                                                                  const std::string& build_id,
                                                                  const std::string& target) {
  v1::KeepBuildDirectoryRequest request;
  request.set_build_id(build_id);
  request.set_target(target);
  return UnaryCall<v1::KeepBuildDirectoryResponse>(connection, *connection.stubs().agent,
                                                   &AgentStub::KeepBuildDirectory, request, kDiskCall);
}

absl::StatusOr<v1::CollectGarbageResponse> CollectGarbage(AgentConnection& connection,
                                                          const v1::CollectGarbageRequest& request) {
  return UnaryCall<v1::CollectGarbageResponse>(connection, *connection.stubs().agent, &AgentStub::CollectGarbage,
                                               request, kDiskCall);
}

absl::StatusOr<v1::DrainResponse> Drain(AgentConnection& connection, bool resume) {
  v1::DrainRequest request;
  request.set_resume(resume);
  return UnaryCall<v1::DrainResponse>(connection, *connection.stubs().agent, &AgentStub::Drain, request, kShortCall);
}

}  // namespace wasmagent::client
