// gRPC's errors as absl::Status, with what a user can do about them.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "content/digest.h"

namespace grpc {
class Status;
}

namespace wasmagent::client {

// The same code and message; details that came along become payloads under their type's URL. UNAVAILABLE and
// DEADLINE_EXCEEDED name the address and what to try.
absl::Status FromGrpcStatus(const grpc::Status& status, std::string_view address);

// Whether an agent answered with this error, which tells a refusal from a mistake or a failure on this side.
bool SaidByAgent(const absl::Status& status);

// The blobs that an agent's FAILED_PRECONDITION lists as missing, in its order; none for any other error.
std::vector<content::Digest> MissingBlobs(const absl::Status& status);

}  // namespace wasmagent::client
