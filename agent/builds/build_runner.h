// Carries out one build, from its lease to its artifacts.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/builds/build_directories.h"
#include "agent/builds/live_build.h"
#include "agent/builds/log_recorder.h"
#include "agent/builds/step_output.h"
#include "agent/pipeline/planner.h"
#include "agent/sandbox/launcher.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/config_cache.h"
#include "agent/workspace/workspace_pool.h"

namespace wasmagent::builds {

// What a runner works with. All of it outlives the runner; constructed in main.
struct RunnerParts {
  store::BlobStore& store;
  workspace::WorkspacePool& workspaces;
  workspace::ConfigCache& config_cache;
  const pipeline::Planner& planner;
  sandbox::Launcher& launcher;
};

// Limits that hold for every build.
struct RunnerLimits {
  int jobs = 1;
  absl::Duration timeout = absl::Hours(2);
  absl::Duration kill_grace = absl::Seconds(10);
  uint64_t log_head_bytes = uint64_t{256} << 20;
  uint64_t log_tail_bytes = uint64_t{4} << 20;
  sandbox::ResourceLimits resources;
};

// How a build ended.
struct Ending {
  wasmagent::v1::Outcome outcome = wasmagent::v1::OUTCOME_UNSPECIFIED;
  std::optional<wasmagent::v1::Cause> cause;
  bool disk_full = false;  // a step filled the agent's disk
};

// What the planner needs of a request.
pipeline::PlanOptions PlanOptionsOf(const wasmagent::v1::BuildRequest& request, int default_jobs);

// Runs one build; made for it and thrown away after it. Used by one thread; stopped through the build's token.
class BuildRunner {
 public:
  BuildRunner(LiveBuild& build, RunnerParts parts, const RunnerLimits& limits)
      : build_(build), parts_(parts), limits_(limits), log_(build, limits.log_head_bytes, limits.log_tail_bytes) {}

  // Runs the build to its end. Never fails: what the agent could not do is an ending, too.
  Ending Run();

 private:
  using MaybeEnding = absl::StatusOr<std::optional<Ending>>;

  absl::StatusOr<Ending> RunSteps();
  absl::Status MakePlan();
  absl::Status AcquireWorkspace();
  absl::Status Sync();
  absl::Status PrepareBuildDirectories();
  absl::Status LayLinks();
  MaybeEnding RunTarget(const pipeline::PlannedTarget& target);
  absl::Status EnterBuildDirectory(const pipeline::PlannedTarget& target, std::string& reason);
  absl::Status SetConfigured(const pipeline::PlannedTarget& target);
  absl::Status MakeStepDirectory(const pipeline::Step& step, const std::string& path);
  MaybeEnding RunStep(const pipeline::PlannedTarget& target, const pipeline::Step& step, bool skip,
                      const std::string& reason);
  MaybeEnding NotRun(uint32_t number, const absl::Status& status);
  Ending Explain(const pipeline::PlannedTarget& target, const pipeline::Step& step,
                 const sandbox::CommandResult& result, const StepOutput& output) const;
  MaybeEnding SkipTarget(const pipeline::PlannedTarget& target);
  absl::Status TellStarted(uint32_t number, const pipeline::PlannedTarget& target, const pipeline::Step& step,
                           const sandbox::Command& command);
  absl::Status SkipStep(uint32_t number, const std::string& reason);
  MaybeEnding CollectOrEnd(const pipeline::PlannedTarget& target);
  absl::Status Collect(const pipeline::PlannedTarget& target);
  Ending StoppedEnding(sandbox::StopReason reason) const;
  Ending FailedEnding(const absl::Status& status) const;
  static Ending EndingOf(const absl::Status& status);
  sandbox::Command CommandOf(const pipeline::Step& step) const;
  std::string InWorkspace(std::string text) const;
  std::string BuildDirectory(const pipeline::PlannedTarget& target) const;

  LiveBuild& build_;
  RunnerParts parts_;
  const RunnerLimits& limits_;
  LogRecorder log_;
  std::unique_ptr<workspace::Workspace> workspace_;
  pipeline::Plan plan_;
  std::optional<BuildDirectories> build_directories_;
  std::string target_;  // what is under way, for the cause of a failure
  std::string step_;
  store::Lease lease_;
  std::vector<store::Lease> artifact_leases_;
  absl::Time deadline_ = absl::InfiniteFuture();
  bool tree_untouched_ = true;  // every sync found every file as the build before had left it
  uint32_t next_step_ = 0;
};

}  // namespace wasmagent::builds
