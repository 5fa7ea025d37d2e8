// Errors as they come from the wire.
#pragma once

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace wasmagent::content {

// gRPC's status as absl's; each detail of a google.rpc.Status becomes a payload under its type URL.
absl::Status FromGrpcStatus(const grpc::Status& status);
absl::Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace wasmagent::content
