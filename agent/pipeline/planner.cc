#include "agent/pipeline/planner.h"

#include <algorithm>
#include <utility>

#include "agent/pipeline/job_shares.h"
#include "agent/pipeline/plan_target.h"
#include "agent/pipeline/project.h"
#include "agent/pipeline/target_selection.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// The request's environment, as strictly as that of a target file.
absl::Status CheckOptions(const PlanOptions& options) {
  if (options.jobs < 1) return absl::InvalidArgumentError(fmt::format("{} jobs: at least 1 is needed", options.jobs));
  for (const auto& [name, value] : options.asked.env) {
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
    for (const auto& [name, action] : target.actions) summary.actions.push_back(name);
    summary.problem = TargetProblem(project.file, target, inventory_, {});
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
  ASSIGN_OR_RETURN_CTX(const TargetSelection selection,
                       SelectTargets(project.file, targets, inventory_, {options.force, options.asked.action}),
                       project.source);
  ASSIGN_OR_RETURN_CTX(const auto order, OrderTargets(project.file, selection.names), project.source);
  const PlanContext context{inventory_, base_env_, source, options.force};
  Plan plan;
  plan.remarks = selection.remarks;
  const std::vector<int> jobs = ShareJobs(order, options.jobs);
  for (size_t i = 0; i < order.size(); ++i) {
    const TargetOptions* asked = Contains(selection.names, order[i]->name) ? &options.asked : nullptr;
    ASSIGN_OR_RETURN(PlannedTarget planned, PlanTarget(*order[i], plan.targets, context, jobs[i], asked));
    planned.remarks.insert(planned.remarks.begin(), "targets: " + project.source);
    plan.targets.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace wasmagent::pipeline
