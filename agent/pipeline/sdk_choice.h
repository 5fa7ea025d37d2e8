// Which SDK a target is built with, of those that the machine has.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/target_file.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

struct SdkChoice {
  const Toolchain* toolchain = nullptr;  // in the inventory
  bool among_several = false;            // others of its kind were there
  std::vector<std::string> remarks;  // which it is and, where there are others, why not they; the choice is the first
};

// Takes, of the SDKs of the target's kind that are usable and that its rules allow, the one of its preferred version,
// else the newest. FAILED_PRECONDITION with what is wrong with each, and what mends it, when there is none.
absl::StatusOr<SdkChoice> ChooseSdk(const TargetTemplate& target, const ToolchainInventory& inventory);

}  // namespace wasmagent::pipeline
