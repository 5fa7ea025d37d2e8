#include "client/command/exit_code.h"

#include "client/session/grpc_status.h"

namespace wasmagent::client {

ExitCode ExitCodeOf(wasmagent::v1::Outcome outcome) {
  switch (outcome) {
    case wasmagent::v1::OUTCOME_SUCCEEDED:
      return kSucceeded;
    case wasmagent::v1::OUTCOME_CANCELLED:
      return kCancelled;
    case wasmagent::v1::OUTCOME_TIMED_OUT:
      return kTimedOut;
    case wasmagent::v1::OUTCOME_OUT_OF_MEMORY:
      return kOutOfMemory;
    case wasmagent::v1::OUTCOME_INTERRUPTED:
      return kAgentBroken;
    default:
      return kBuildFailed;
  }
}

ExitCode ExitCodeOf(const absl::Status& status) {
  const bool said_by_agent = SaidByAgent(status);
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kSucceeded;
    case absl::StatusCode::kCancelled:
      return kCancelled;
    // What was asked for cannot be: the agent refuses it, or it was a mistake on this side.
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
      return said_by_agent ? kRefused : kWrongUsage;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kResourceExhausted:
      return said_by_agent ? kRefused : kAgentBroken;
    case absl::StatusCode::kUnimplemented:
      return said_by_agent ? kAgentBroken : kWrongUsage;
    default:
      return kAgentBroken;
  }
}

}  // namespace wasmagent::client
