// Which targets of a build may run at the same time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "agent/pipeline/plan.h"

namespace wasmagent::builds {

// Hands out the targets of a plan: each after its needs, side by side where their build dirs do not overlap and their
// jobs together stay within the build's. A target that wants more than that runs alone. Borrows the plan; used by one
// thread.
class TargetSchedule {
 public:
  // `among_sources` tells whether a target's build dir has source files in it: it may empty the whole workspace, so it
  // shares it with nobody.
  TargetSchedule(const pipeline::Plan& plan, int jobs,
                 const std::function<bool(const pipeline::PlannedTarget&)>& among_sources);

  // Takes the next target that may start now; nothing when one that runs must end first, or when all were taken.
  std::optional<size_t> Take();
  // A target that was taken has ended; those that need it may start when it was built.
  void End(size_t target, bool built);

 private:
  enum class State { kWaiting, kRunning, kBuilt, kFailed };
  bool MayStart(size_t target) const;

  const pipeline::Plan& plan_;
  const int jobs_;
  int running_jobs_ = 0;
  std::vector<bool> alone_;
  std::vector<State> states_;
};

}  // namespace wasmagent::builds
