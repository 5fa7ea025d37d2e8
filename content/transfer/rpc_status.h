// Errors as they come from the wire.
#pragma once

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace wasmagent::content {

// Payload of every error that came over the wire; it has no content. It tells an answer of the server from a failure on
// this side.
inline constexpr char kSaidByServer[] = "wasmagent/said-by-server";

// gRPC's status as absl's; each detail of a google.rpc.Status becomes a payload under its type URL.
absl::Status FromGrpcStatus(const grpc::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace wasmagent::content
