#include "agent/pipeline/target_selection.h"

#include <algorithm>

#include "agent/pipeline/glob.h"
#include "agent/pipeline/plan_target.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

void AddOnce(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::vector<std::string> Names(const TargetFile& file) {
  std::vector<std::string> names;
  for (const TargetTemplate& target : file.targets) names.push_back(target.name);
  return names;
}

absl::Status AddMatches(const TargetFile& file, const std::string& pattern, const ToolchainInventory& inventory,
                        const Wish& wish, TargetSelection& selection) {
  if (const std::string problem = GlobProblem(pattern); !problem.empty()) {
    return absl::InvalidArgumentError(fmt::format("target pattern '{}' {}", pattern, problem));
  }
  bool any = false;
  std::vector<std::string> left_out;
  for (const TargetTemplate& target : file.targets) {
    if (pattern != kAllTargets && !GlobMatch(pattern, target.name)) continue;
    const std::string problem = TargetProblem(file, target, inventory, wish);
    if (problem.empty()) {
      AddOnce(selection.names, target.name);
      any = true;
    } else {
      left_out.push_back(fmt::format("'{}' leaves out {}: {}", pattern, target.name, problem));
    }
  }
  if (!any && left_out.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("no target fits '{}' (targets: {})", pattern, fmt::join(Names(file), ", ")));
  }
  if (!any) {
    return absl::FailedPreconditionError(
        fmt::format("nothing of '{}' can be built here:\n  {}", pattern, fmt::join(left_out, "\n  ")));
  }
  for (std::string& remark : left_out) selection.remarks.push_back(std::move(remark));
  return absl::OkStatus();
}

}  // namespace

bool IsTargetPattern(const std::string& text) {
  return text == kAllTargets || text.find_first_of("*?[") != std::string::npos;
}

std::string TargetProblem(const TargetFile& file, const TargetTemplate& target, const ToolchainInventory& inventory,
                          const Wish& wish) {
  if (const absl::Status status = CheckAction(target, wish.action); !status.ok()) return std::string(status.message());
  const auto order = OrderTargets(file, {target.name});
  if (!order.ok()) return std::string(order.status().message());
  for (const TargetTemplate* part : *order) {
    // What a need lacks, the target lacks.
    if (const absl::Status status = CheckBuildable(*part, inventory, wish.force); !status.ok())
      return std::string(status.message());
  }
  return "";
}

absl::StatusOr<TargetSelection> SelectTargets(const TargetFile& file, const std::vector<std::string>& wanted,
                                              const ToolchainInventory& inventory, const Wish& wish) {
  const std::vector<std::string> known = Names(file);
  TargetSelection selection;
  for (const std::string& text : wanted) {
    // A project may have a target of that name.
    const bool named = std::find(known.begin(), known.end(), text) != known.end();
    if (named || !IsTargetPattern(text)) {
      RETURN_IF_ERROR(OrderTargets(file, {text}).status());
      AddOnce(selection.names, text);
    } else {
      RETURN_IF_ERROR(AddMatches(file, text, inventory, wish, selection));
    }
  }
  return selection;
}

}  // namespace wasmagent::pipeline
