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
  const PlanOptions& options;
  const SourceTree& source;
};

// Empty, or why this machine cannot build the target, and what mends it.
std::string ToolchainProblem(const TargetTemplate& target, const ToolchainInventory& inventory);

// Plans a target whose needs are in `planned` already, to be built with `jobs` parallel jobs. FAILED_PRECONDITION with
// ToolchainProblem.
absl::StatusOr<PlannedTarget> PlanTarget(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, int jobs);

}  // namespace wasmagent::pipeline
