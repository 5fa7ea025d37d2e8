// Carries out one target of a build, from its build dir to its artifacts.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agent/builds/build_directories.h"
#include "agent/builds/ending.h"
#include "agent/builds/live_build.h"
#include "agent/builds/log_recorder.h"
#include "agent/builds/runner_parts.h"
#include "agent/builds/step_output.h"

namespace wasmagent::builds {

// What the targets of one build share while they run, some of them side by side. Owned by the build's runner.
struct SharedBuild {
  SharedBuild(LiveBuild& a_build, const RunnerParts& some_parts, const RunnerLimits& some_limits,
              workspace::Workspace& a_workspace, BuildDirectories its_directories)
      : build(a_build),
        parts(some_parts),
        limits(some_limits),
        workspace(a_workspace),
        log(a_build, some_limits.log_head_bytes, some_limits.log_tail_bytes),
        directories(std::move(its_directories)) {}

  LiveBuild& build;
  const RunnerParts& parts;
  const RunnerLimits& limits;
  workspace::Workspace& workspace;
  LogRecorder log;
  absl::Time deadline = absl::InfiniteFuture();
  // Brings the source files back after a wipe took them along; only while no other target runs.
  std::function<absl::Status()> sync;
  // Every sync found every file as the build before had left it. Written by `sync` alone.
  bool tree_untouched = true;
  // Lines of several steps must not be mixed within.
  bool side_by_side = false;
  // Another target has failed: what runs is finished, and nothing new is begun.
  std::atomic<bool> winding_up{false};
  std::atomic<uint32_t> next_step{0};
  absl::Mutex mutex;
  BuildDirectories directories ABSL_GUARDED_BY(mutex);
  std::vector<store::Lease> leases ABSL_GUARDED_BY(mutex);  // on artifacts and evidence
};

// Runs one target; made for it and thrown away after it. Used by one thread; stopped through the build's token.
class TargetRunner {
 public:
  TargetRunner(SharedBuild& shared, const pipeline::PlannedTarget& target) : shared_(shared), target_(target) {}

  // Nothing when the target was built, or when it stopped for the sake of another one's failure.
  std::optional<Ending> Run();

 private:
  using MaybeEnding = absl::StatusOr<std::optional<Ending>>;

  MaybeEnding RunTarget();
  MaybeEnding ConfigureAndRun();
  absl::Status EnterBuildDirectory(bool seed, std::string& reason);
  absl::Status SetConfigured();
  absl::Status SetBuilt(const std::string& from);
  bool BuiltFrom(const std::string& origin);
  MaybeEnding RunSteps(const std::string& reason);
  MaybeEnding SkipTarget();
  MaybeEnding RunStep(const pipeline::Step& step, bool skip, const std::string& reason);
  absl::Status MakeStepDirectory(const pipeline::Step& step, const std::string& path);
  absl::Status TellStarted(uint32_t number, const pipeline::Step& step, const sandbox::Command& command);
  absl::Status SkipStep(uint32_t number, const std::string& reason);
  absl::Status TellEnded(uint32_t number, const pipeline::Step& step, const sandbox::CommandResult& result,
                         const StepOutput& output, const std::string& reason);
  MaybeEnding NotRun(uint32_t number, const absl::Status& status);
  Ending Explain(const pipeline::Step& step, const sandbox::CommandResult& result, const StepOutput& output) const;
  absl::Status KeepEvidence();
  absl::Status TakeTestResults(std::optional<Ending>& ending);
  MaybeEnding CollectOrEnd();
  absl::Status Collect();
  Ending StoppedEnding(sandbox::StopReason reason) const;
  sandbox::Command CommandOf(const pipeline::Step& step) const;
  std::string InWorkspace(const std::string& text) const;
  std::string BuildDirectory() const;

  SharedBuild& shared_;
  const pipeline::PlannedTarget& target_;
  std::string step_;            // what is under way, for the cause of a failure
  bool cache_refused_ = false;  // configure would not go on with its config.cache
};

}  // namespace wasmagent::builds
