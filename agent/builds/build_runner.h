// Carries out one build, from its lease to its end.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/builds/build_directories.h"
#include "agent/builds/ending.h"
#include "agent/builds/live_build.h"
#include "agent/builds/runner_parts.h"
#include "agent/builds/target_runner.h"

namespace wasmagent::builds {

// What the planner needs of a request.
pipeline::PlanOptions PlanOptionsOf(const wasmagent::v1::BuildRequest& request, int default_jobs);

// Runs one build; made for it and thrown away after it. Used by one thread, which has one more for each target that
// runs; stopped through the build's token.
class BuildRunner {
 public:
  BuildRunner(LiveBuild& build, RunnerParts parts, const RunnerLimits& limits)
      : build_(build), parts_(parts), limits_(limits) {}

  // Runs the build to its end. Never fails: what the agent could not do is an ending, too.
  Ending Run();

 private:
  absl::StatusOr<Ending> RunSteps();
  absl::Status MakePlan();
  absl::Status TellRemarks();
  absl::Status AcquireWorkspace();
  absl::Status Sync();
  absl::Status PrepareBuildDirectories();
  absl::Status LayLinks();
  void SetDeadline();
  std::optional<Ending> RunTargets();

  LiveBuild& build_;
  RunnerParts parts_;
  const RunnerLimits& limits_;
  std::unique_ptr<workspace::Workspace> workspace_;
  pipeline::Plan plan_;
  store::Lease lease_;
  bool told_synced_ = false;
  bool tree_untouched_ = true;
  std::unique_ptr<SharedBuild> shared_;
};

}  // namespace wasmagent::builds
