#include "agent/builds/target_schedule.h"

#include <algorithm>

#include "agent/pipeline/job_shares.h"

namespace wasmagent::builds {

using pipeline::PlannedTarget;

TargetSchedule::TargetSchedule(const pipeline::Plan& plan, int jobs,
                               const std::function<bool(const PlannedTarget&)>& among_sources)
    : plan_(plan), jobs_(jobs), states_(plan.targets.size(), State::kWaiting) {
  for (const PlannedTarget& target : plan.targets) alone_.push_back(among_sources(target));
}

bool TargetSchedule::MayStart(size_t target) const {
  const PlannedTarget& wanted = plan_.targets[target];
  bool any_runs = false;
  for (size_t i = 0; i < states_.size(); ++i) {
    const PlannedTarget& other = plan_.targets[i];
    const bool needed = std::find(wanted.needs.begin(), wanted.needs.end(), other.name) != wanted.needs.end();
    if (needed && states_[i] != State::kBuilt) return false;
    if (states_[i] != State::kRunning) continue;
    any_runs = true;
    if (alone_[i] || alone_[target]) return false;
    if (pipeline::BuildDirectoriesOverlap(wanted.build_directory, other.build_directory)) return false;
  }
  return !any_runs || running_jobs_ + wanted.jobs <= jobs_;
}

std::optional<size_t> TargetSchedule::Take() {
  for (size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] != State::kWaiting || !MayStart(i)) continue;
    states_[i] = State::kRunning;
    running_jobs_ += plan_.targets[i].jobs;
    return i;
  }
  return std::nullopt;
}

void TargetSchedule::End(size_t target, bool built) {
  states_[target] = built ? State::kBuilt : State::kFailed;
  running_jobs_ -= plan_.targets[target].jobs;
}

}  // namespace wasmagent::builds
