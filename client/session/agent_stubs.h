// The stubs of one agent, for the files of this folder that make calls.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/session/agent_connection.h"
#include "client/session/grpc_status.h"
#include "grpcpp/client_context.h"
#include "wasmagent/v1/agent_service.grpc.pb.h"
#include "wasmagent/v1/build_service.grpc.pb.h"

namespace wasmagent::client {

// Stubs on the first channel. Thread-safe.
struct AgentStubs {
  std::unique_ptr<wasmagent::v1::BuildService::Stub> builds;
  std::unique_ptr<wasmagent::v1::AgentService::Stub> agent;
};

// A call that only looks something up.
inline constexpr absl::Duration kShortCall = absl::Seconds(20);
// A call that may walk a tree of 100,000 files on the agent.
inline constexpr absl::Duration kTreeCall = absl::Minutes(2);
// A call that reads or removes all that a workspace holds.
inline constexpr absl::Duration kDiskCall = absl::Minutes(30);

// Makes one unary call: UnaryCall<Response>(connection, stub, &Stub::Method, request, limit).
template <typename Response, typename Stub, typename Method, typename Request>
absl::StatusOr<Response> UnaryCall(AgentConnection& connection, Stub& stub, Method method, const Request& request,
                                   absl::Duration limit) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(limit));
  Response response;
  grpc::Status status = (stub.*method)(&context, request, &response);
  // Any answer of the agent's counts, an error too; these two are made on this side of the wire.
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
      status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
    connection.SetAnswered();
  }
  if (!status.ok()) return FromGrpcStatus(status, connection.address());
  return response;
}

}  // namespace wasmagent::client
