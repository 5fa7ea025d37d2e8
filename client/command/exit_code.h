// What wasmctl's exit code says.
#pragma once

#include "absl/status/status.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::client {

enum ExitCode {
  kSucceeded = 0,
  kBuildFailed = 1,
  kWrongUsage = 2,
  kAgentBroken = 3,  // could not be reached, or broke
  kCancelled = 4,
  kTimedOut = 5,
  kOutOfMemory = 6,
  kRefused = 7,  // identity, quota, invalid request
};

ExitCode ExitCodeOf(wasmagent::v1::Outcome outcome);
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace wasmagent::client
