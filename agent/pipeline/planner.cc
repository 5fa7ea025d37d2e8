#include "agent/pipeline/planner.h"

#include <algorithm>
#include <utility>

#include "agent/pipeline/plan_target.h"
#include "agent/pipeline/project.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// The request's environment, as strictly as that of a target file.
absl::Status CheckOptions(const PlanOptions& options) {
  if (options.jobs < 1) return absl::InvalidArgumentError(fmt::format("{} jobs: at least 1 is needed", options.jobs));
  for (const auto& [name, value] : options.env) {
    if (name.empty() || name.find('=') != std::string::npos || (name + value).find('\0') != std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("'{}' cannot name an environment variable", name));
    }
  }
  return absl::OkStatus();
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Planner::Planner(const ToolchainInventory& inventory, std::map<std::string, std::string> base_env)
    : inventory_(inventory), base_env_(std::move(base_env)) {}

absl::StatusOr<TargetList> Planner::List(const SourceTree& source) const {
  ASSIGN_OR_RETURN(const Project project, DetectProject(source));
  TargetList list;
  list.source = project.source;
  for (const TargetTemplate& target : project.file.targets) {
    TargetSummary summary;
    summary.name = target.name;
    summary.description = target.description;
    summary.support = target.support;
    summary.toolchain_kind = target.toolchain;
    summary.needs = target.needs;
    // What a need lacks, the target lacks.
    ASSIGN_OR_RETURN(const auto order, OrderTargets(project.file, {target.name}));
    for (const TargetTemplate* part : order) {
      if (!summary.problem.empty()) continue;
      summary.problem = std::string(CheckBuildable(*part, inventory_, /*force=*/false).message());
    }
    summary.buildable = summary.problem.empty();
    list.targets.push_back(std::move(summary));
  }
  return list;
}

absl::StatusOr<Plan> Planner::MakePlan(const SourceTree& source, const std::vector<std::string>& targets,
                                       const PlanOptions& options) const {
  RETURN_IF_ERROR(CheckOptions(options));
  if (targets.empty()) return absl::InvalidArgumentError("no target was asked for");
  ASSIGN_OR_RETURN(const Project project, DetectProject(source));
  ASSIGN_OR_RETURN_CTX(const auto order, OrderTargets(project.file, targets), project.source);
  const PlanContext context{inventory_, base_env_, options, source};
  Plan plan;
  for (const TargetTemplate* target : order) {
    ASSIGN_OR_RETURN(PlannedTarget planned, PlanTarget(*target, plan.targets, context));
    // What nobody asked for is built for the others' sake, and stays in the workspace.
    if (!Contains(targets, target->name)) {
      planned.artifacts.clear();
      planned.runner.reset();
    }
    planned.remarks.insert(planned.remarks.begin(), "targets: " + project.source);
    plan.targets.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace wasmagent::pipeline
