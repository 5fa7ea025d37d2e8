// One target of a plan: variables replaced, environment put together, key computed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/plan.h"
#include "agent/pipeline/planner.h"
#include "agent/pipeline/source_tree.h"
#include "agent/pipeline/target_file.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// What all targets of a plan are made with; borrowed for the making.
struct PlanContext {
  const ToolchainInventory& inventory;
  const std::map<std::string, std::string>& base_env;
  const SourceTree& source;
  bool force;  // plan what is known to be broken, too
};

// FAILED_PRECONDITION with why this machine cannot build the target, and what mends it; for a broken one, which only
// `force` lets pass, with why it is.
absl::Status CheckBuildable(const TargetTemplate& target, const ToolchainInventory& inventory, bool force);

// OK when the target has the action, or none is asked for. FAILED_PRECONDITION with those that it has.
absl::Status CheckAction(const TargetTemplate& target, const std::string& action);

// Plans a target whose needs are in `planned` already, when it is buildable, with `jobs` parallel jobs. `asked` is null
// for a target that nobody asked for: it is built for another's sake, and stays in the workspace.
absl::StatusOr<PlannedTarget> PlanTarget(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, int jobs, const TargetOptions* asked);

}  // namespace wasmagent::pipeline
