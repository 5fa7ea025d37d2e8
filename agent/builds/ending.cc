#include "agent/builds/ending.h"

#include <system_error>

#include "absl/strings/match.h"

namespace wasmagent::builds {
namespace {

// True when the agent could not write for want of disk space, and not of memory or descriptors.
bool IsDiskFull(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return false;
  for (std::errc other :
       {std::errc::not_enough_memory, std::errc::too_many_files_open, std::errc::too_many_files_open_in_system}) {
    if (absl::StrContains(status.message(), std::make_error_code(other).message())) return false;
  }
  return true;
}

}  // namespace

wasmagent::v1::Cause CauseOf(std::string summary, std::string advice) {
  wasmagent::v1::Cause cause;
  cause.set_summary(std::move(summary));
  cause.set_advice(std::move(advice));
  return cause;
}

Ending EndingOf(const absl::Status& status) {
  std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return {wasmagent::v1::OUTCOME_FAILED, CauseOf(message)};
    default:
      if (IsDiskFull(status)) {
        return {
            wasmagent::v1::OUTCOME_INTERRUPTED,
            CauseOf(message, "Free space on the agent's disk, or lower its blob_budget_bytes and workspace_limit.")};
      }
      return {
          wasmagent::v1::OUTCOME_INTERRUPTED,
          CauseOf(message, "The agent could not carry the build out; its own log has more. Submitting again is safe.")};
  }
}

}  // namespace wasmagent::builds
