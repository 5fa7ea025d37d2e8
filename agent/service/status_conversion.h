// Errors on their way to the wire.
#pragma once

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace wasmagent::service {

// The status as gRPC answers it. Payloads travel as details: a google.rpc.Status in grpc-status-details-bin, each
// payload an Any with the payload's type URL (for missing blobs "type.googleapis.com/google.rpc.PreconditionFailure").
grpc::Status ToGrpcStatus(const absl::Status& status);

// The same as a message, for answers that carry one status an item.
google::rpc::Status ToRpcStatus(const absl::Status& status);

}  // namespace wasmagent::service
