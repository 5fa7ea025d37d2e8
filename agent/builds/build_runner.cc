#include "agent/builds/build_runner.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "agent/builds/store_source_tree.h"
#include "agent/pipeline/failure_cause.h"
#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/glob.h"
#include "agent/workspace/artifact_collector.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::builds {
namespace {

using pipeline::PlannedTarget;
using pipeline::Step;
using pipeline::StepKind;
using sandbox::CommandResult;
using wasmagent::v1::BuildEvent;
using wasmagent::v1::Cause;

// CPython's config.log has 1 MB; one beyond this is not autoconf's.
constexpr uint64_t kLargestConfigLog = 64 << 20;

// Progress of a sync is told at most this often; a terminal shows no more.
constexpr absl::Duration kProgressPeriod = absl::Milliseconds(100);

void ToProto(absl::Duration from, google::protobuf::Duration& to) {
  to.set_seconds(absl::ToInt64Seconds(from));
  to.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from - absl::Seconds(to.seconds()))));
}

bool InTree(const PlannedTarget& target) { return target.build_directory == "."; }

// What a target's products are made from, apart from what its build dir was configured with: the tree, and what its
// steps are told.
std::string OriginOf(const PlannedTarget& target, const std::string& root) {
  pipeline::Fingerprint steps;
  for (const Step& step : target.steps) {
    steps.AddText("step", step.name);
    steps.AddText("directory", step.directory);
    for (const std::string& word : step.argv) steps.AddText("argv", word);
    for (const auto& [name, value] : step.env) steps.AddText("env", fmt::format("{}={}", name, value));
  }
  return fmt::format("{}/{}", root, steps.Hex());
}

// True when the agent could not write for want of disk space, and not of memory or descriptors.
bool IsDiskFull(const absl::Status& status) {
  if (!absl::IsResourceExhausted(status)) return false;
  for (std::errc other :
       {std::errc::not_enough_memory, std::errc::too_many_files_open, std::errc::too_many_files_open_in_system}) {
    if (absl::StrContains(status.message(), std::make_error_code(other).message())) return false;
  }
  return true;
}

// A shell's exit codes for a command that cannot be run; 0 when it is not the command's fault.
int ExitCodeOf(const absl::Status& not_run) {
  if (absl::IsNotFound(not_run)) return 127;
  return absl::IsPermissionDenied(not_run) || absl::IsFailedPrecondition(not_run) ? 126 : 0;
}

Cause CauseOf(std::string summary, std::string advice = "") {
  Cause cause;
  cause.set_summary(std::move(summary));
  cause.set_advice(std::move(advice));
  return cause;
}

}  // namespace

pipeline::PlanOptions PlanOptionsOf(const wasmagent::v1::BuildRequest& request, int default_jobs) {
  const auto& options = request.options();
  pipeline::PlanOptions plan;
  plan.jobs = options.jobs() > 0 ? static_cast<int>(options.jobs()) : default_jobs;
  plan.env.insert(options.env().begin(), options.env().end());
  plan.configure_args.assign(options.configure_args().begin(), options.configure_args().end());
  plan.make_args.assign(options.make_args().begin(), options.make_args().end());
  plan.force = options.force();
  return plan;
}

Ending BuildRunner::Run() {
  auto ending = RunSteps();
  if (ending.ok()) return *ending;
  Ending failed = FailedEnding(ending.status());
  if (failed.outcome == wasmagent::v1::OUTCOME_INTERRUPTED) {
    spdlog::error("build {} could not be carried out: {}", build_.id(), std::string(ending.status().ToString()));
  }
  return failed;
}

absl::StatusOr<Ending> BuildRunner::RunSteps() {
  RETURN_IF_ERROR(MakePlan());
  RETURN_IF_ERROR(AcquireWorkspace());
  RETURN_IF_ERROR(Sync());
  RETURN_IF_ERROR(PrepareBuildDirectories());
  RETURN_IF_ERROR(LayLinks());
  absl::Duration timeout = limits_.timeout;
  if (build_.request().options().has_timeout()) {
    const auto& wanted = build_.request().options().timeout();
    timeout = absl::Seconds(wanted.seconds()) + absl::Nanoseconds(wanted.nanos());
  }
  deadline_ = absl::Now() + timeout;
  for (const PlannedTarget& target : plan_.targets) {
    ASSIGN_OR_RETURN(auto ending, RunTarget(target));
    if (ending) return *ending;
  }
  workspace_->Keep();
  return Ending{wasmagent::v1::OUTCOME_SUCCEEDED, std::nullopt};
}

absl::Status BuildRunner::MakePlan() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  lease_ = parts_.store.LeaseTree(root);
  if (build_.plan) {
    plan_ = *std::move(build_.plan);
    build_.plan.reset();
    return absl::OkStatus();
  }
  StoreSourceTree source(parts_.store, root);
  std::vector<std::string> targets(build_.request().targets().begin(), build_.request().targets().end());
  ASSIGN_OR_RETURN_CTX(plan_, parts_.planner.MakePlan(source, targets, PlanOptionsOf(build_.request(), limits_.jobs)),
                       "plan the build");
  return absl::OkStatus();
}

absl::Status BuildRunner::AcquireWorkspace() {
  ASSIGN_OR_RETURN_CTX(workspace_, parts_.workspaces.Acquire(build_.request().checkout()), "take a workspace");
  BuildEvent event;
  event.mutable_started()->set_attempt(build_.Record().attempts());
  event.mutable_started()->set_warm(workspace_->warm());
  event.mutable_started()->set_workspace(workspace_->name());
  spdlog::info("build {} takes workspace {}, {}", build_.id(), workspace_->name(), workspace_->warm() ? "warm" : "new");
  return build_.Emit(std::move(event));
}

absl::Status BuildRunner::Sync() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  absl::Time last = absl::InfinitePast();
  workspace::SyncStats stats;
  RETURN_IF_ERROR(workspace_->Sync(parts_.store, root, &stats, [&](uint64_t done, uint64_t total) {
    absl::Time now = absl::Now();
    if (now - last < kProgressPeriod && done < total) return;
    last = now;
    BuildEvent event;
    event.mutable_progress()->set_activity("sync");
    event.mutable_progress()->set_done(done);
    event.mutable_progress()->set_total(total);
    event.mutable_progress()->set_unit("files");
    // Progress that cannot be written is a full disk, which the sync itself will say.
    (void)build_.Emit(std::move(event));
  }));
  tree_untouched_ = tree_untouched_ && stats.kept == stats.files && stats.removed == 0;
  return absl::OkStatus();
}

std::string BuildRunner::InWorkspace(std::string text) const {
  return absl::StrReplaceAll(text, {{pipeline::kSourceRootMark, workspace_->source()}});
}

std::string BuildRunner::BuildDirectory(const PlannedTarget& target) const {
  return InTree(target) ? workspace_->source() : workspace_->source() + "/" + target.build_directory;
}

absl::Status BuildRunner::PrepareBuildDirectories() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  ASSIGN_OR_RETURN(auto directories, BuildDirectories::Open(*workspace_, plan_, root, parts_.store.DirectoryReader()));
  build_directories_.emplace(std::move(directories));
  return build_directories_->Prepare(build_.request().options().clean(), [this] { return Sync(); });
}

absl::Status BuildRunner::LayLinks() {
  for (const PlannedTarget& target : plan_.targets) {
    for (const pipeline::TemporaryLink& link : target.links) {
      RETURN_IF_ERROR_CTX(workspace_->LinkTemporary(link.path, link.target),
                          fmt::format("lay the links that target {} needs", target.name));
    }
  }
  return absl::OkStatus();
}

// Leaves the build dir as the target's configure steps may find it. `reason` tells why configure must run; it stays
// empty when it need not.
absl::Status BuildRunner::EnterBuildDirectory(const PlannedTarget& target, std::string& reason) {
  ASSIGN_OR_RETURN(auto found, build_directories_->Enter(target, [this] { return Sync(); }));
  reason = found.reason;
  // Whoever asks for a clean start wants no help from the past.
  if (!found.empty || build_.request().options().clean()) return absl::OkStatus();
  return parts_.config_cache.Seed(target.configure_key, BuildDirectory(target));
}

absl::Status BuildRunner::SetConfigured(const PlannedTarget& target) {
  RETURN_IF_ERROR(build_directories_->SetConfigured(target));
  RETURN_IF_ERROR_CTX(parts_.config_cache.Keep(target.configure_key, BuildDirectory(target)), "keep config.cache");
  return absl::OkStatus();
}

BuildRunner::MaybeEnding BuildRunner::RunTarget(const PlannedTarget& target) {
  target_ = target.name;
  step_.clear();
  // What is only needed on the way stays on the agent, and is not even looked at by make when it was built from this
  // very tree.
  const auto& wanted = build_.request().targets();
  bool asked_for = std::find(wanted.begin(), wanted.end(), target.name) != wanted.end();
  std::string origin = OriginOf(target, build_.request().root().hash());
  bool untouched = tree_untouched_ && !build_.request().options().clean();
  if (!asked_for && untouched && build_directories_->Built(target, origin)) return SkipTarget(target);
  std::string reason;
  RETURN_IF_ERROR_CTX(EnterBuildDirectory(target, reason), fmt::format("target {}", target.name));
  bool configured = reason.empty();
  RETURN_IF_ERROR(build_directories_->SetBuilt(target, ""));
  for (const Step& step : target.steps) {
    if (step.kind != StepKind::kConfigure && !configured) {
      // The first step after configure: what was configured holds from now on, whatever becomes of make.
      RETURN_IF_ERROR(SetConfigured(target));
      configured = true;
    }
    bool skip = step.kind == StepKind::kConfigure && reason.empty();
    ASSIGN_OR_RETURN(auto ending, RunStep(target, step, skip, reason));
    if (ending) {
      // As by hand: what is built stays for the next try. On a full disk it would keep that from ever succeeding.
      if (!ending->disk_full) workspace_->Keep();
      return ending;
    }
  }
  if (!configured) RETURN_IF_ERROR(SetConfigured(target));
  RETURN_IF_ERROR(build_directories_->SetBuilt(target, origin));
  if (!asked_for || target.artifacts.empty()) return std::nullopt;
  step_.clear();
  return CollectOrEnd(target);
}

BuildRunner::MaybeEnding BuildRunner::CollectOrEnd(const PlannedTarget& target) {
  absl::Status collected = Collect(target);
  if (collected.ok()) return std::nullopt;
  std::string message = fmt::format("collect the artifacts of {}: {}", target.name, std::string(collected.message()));
  if (!absl::IsNotFound(collected)) return absl::Status(collected.code(), message);
  // A pattern that fits nothing says nothing against what was built.
  workspace_->Keep();
  Cause cause = CauseOf(message, "Mend the target's artifacts, which are patterns below its build dir.");
  cause.set_target(target.name);
  return Ending{wasmagent::v1::OUTCOME_FAILED, cause};
}

BuildRunner::MaybeEnding BuildRunner::SkipTarget(const PlannedTarget& target) {
  for (const Step& step : target.steps) {
    uint32_t number = next_step_++;
    RETURN_IF_ERROR(TellStarted(number, target, step, CommandOf(step)));
    RETURN_IF_ERROR(SkipStep(number, "built already from the same tree"));
  }
  return std::nullopt;
}

absl::Status BuildRunner::TellStarted(uint32_t number, const PlannedTarget& target, const Step& step,
                                      const sandbox::Command& command) {
  BuildEvent event;
  auto* started = event.mutable_step_started();
  started->set_step(number);
  started->set_target(target.name);
  started->set_name(step.name);
  started->mutable_argv()->Assign(command.argv.begin(), command.argv.end());
  started->set_directory(step.directory);
  return build_.Emit(std::move(event));
}

sandbox::Command BuildRunner::CommandOf(const Step& step) const {
  sandbox::Command command;
  for (const std::string& word : step.argv) command.argv.push_back(InWorkspace(word));
  for (const auto& [name, value] : step.env) command.env[name] = InWorkspace(value);
  command.directory =
      workspace_->source() + (step.directory.empty() || step.directory == "." ? "" : "/" + step.directory);
  command.limits = limits_.resources;
  return command;
}

absl::Status BuildRunner::SkipStep(uint32_t number, const std::string& reason) {
  BuildEvent event;
  event.mutable_step_ended()->set_step(number);
  event.mutable_step_ended()->set_skipped(true);
  event.mutable_step_ended()->set_reason(reason);
  return build_.Emit(std::move(event));
}

// A folder that is there may lie behind a link: what the step does there is the step's doing. What the agent makes is
// in the workspace.
absl::Status BuildRunner::MakeStepDirectory(const Step& step, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  return workspace_->MakeFolder(step.directory, platform::InTheWay::kRefuse);
}

// The end of a step that could not be run, or whose end could not be waited for. A command that is not there is the
// build's failure; all else is the agent's.
BuildRunner::MaybeEnding BuildRunner::NotRun(uint32_t number, const absl::Status& status) {
  std::string message = fmt::format("step {} of {}: {}", step_, target_, std::string(status.message()));
  int exit_code = ExitCodeOf(status);
  BuildEvent event;
  event.mutable_step_ended()->set_step(number);
  event.mutable_step_ended()->set_exit_code(exit_code == 0 ? 1 : exit_code);
  event.mutable_step_ended()->set_reason(std::string(status.message()));
  RETURN_IF_ERROR(build_.Emit(std::move(event)));
  if (exit_code == 0) return absl::Status(status.code(), message);
  Cause cause = CauseOf(message);
  cause.set_target(target_);
  cause.set_step(step_);
  cause.set_exit_code(exit_code);
  return Ending{wasmagent::v1::OUTCOME_FAILED, cause};
}

BuildRunner::MaybeEnding BuildRunner::RunStep(const PlannedTarget& target, const Step& step, bool skip,
                                              const std::string& reason) {
  uint32_t number = next_step_++;
  step_ = step.name;
  sandbox::Command command = CommandOf(step);
  RETURN_IF_ERROR(TellStarted(number, target, step, command));
  if (skip) {
    RETURN_IF_ERROR(SkipStep(number, "configured already with the same inputs"));
    return std::nullopt;
  }
  if (build_.stop().reason() != sandbox::StopReason::kNone) return StoppedEnding(build_.stop().reason());

  absl::Status there = MakeStepDirectory(step, command.directory);
  if (!there.ok()) return NotRun(number, there);
  StepOutput output(build_, log_, number, workspace_->source(), step.directory);
  auto run = parts_.launcher.Run(
      command, [&](std::string_view bytes) { return output.Take(bytes); }, build_.stop(), deadline_,
      limits_.kill_grace);
  RETURN_IF_ERROR(output.Finish());
  if (!run.ok()) return NotRun(number, run.status());
  const CommandResult& result = *run;

  BuildEvent ended;
  auto* end = ended.mutable_step_ended();
  end->set_step(number);
  end->set_exit_code(result.signal != 0 ? 128 + result.signal : result.exit_code);
  end->set_signal(result.signal);
  ToProto(result.wall_time, *end->mutable_wall_time());
  ToProto(result.cpu_time, *end->mutable_cpu_time());
  end->set_peak_memory_bytes(result.peak_memory_bytes);
  if (step.kind == StepKind::kConfigure) end->set_reason(reason);
  RETURN_IF_ERROR(build_.Emit(std::move(ended)));

  if (result.end == CommandResult::End::kCancelled) return StoppedEnding(sandbox::StopReason::kCancelled);
  if (result.end == CommandResult::End::kTimedOut) return StoppedEnding(sandbox::StopReason::kTimedOut);
  if (result.end == CommandResult::End::kExited && result.exit_code == 0) return std::nullopt;

  return Explain(target, step, result, output);
}

Ending BuildRunner::Explain(const PlannedTarget& target, const Step& step, const CommandResult& result,
                            const StepOutput& output) const {
  pipeline::FailedStep failed{
      .kind = step.kind,
      .name = step.name,
      .target = target.name,
      .result = result,
      .diagnostics = output.diagnostics(),
      .log_tail = output.tail(),
      .jobs = PlanOptionsOf(build_.request(), limits_.jobs).jobs,
      .read_config_log = [&] { return platform::ReadFile(BuildDirectory(target) + "/config.log", kLargestConfigLog); }};
  pipeline::FailureCause why = pipeline::ExplainFailure(failed);
  Cause cause = CauseOf(why.summary, why.advice);
  cause.set_target(target.name);
  cause.set_step(step.name);
  cause.set_exit_code(result.signal != 0 ? 128 + result.signal : result.exit_code);
  cause.set_excerpt(why.excerpt);
  bool memory = result.end == CommandResult::End::kOutOfMemory;
  return Ending{memory ? wasmagent::v1::OUTCOME_OUT_OF_MEMORY : wasmagent::v1::OUTCOME_FAILED, cause, why.disk_full};
}

absl::Status BuildRunner::Collect(const PlannedTarget& target) {
  absl::flat_hash_set<std::string> sources;
  if (build_directories_->AmongSources(target)) {
    ASSIGN_OR_RETURN(sources, workspace_->SourcePaths(target.build_directory));
  }
  ASSIGN_OR_RETURN(auto collected, workspace::CollectArtifacts(BuildDirectory(target), target.artifacts,
                                                               pipeline::GlobListMatch, sources, parts_.store));
  artifact_leases_.push_back(collected.lease);
  wasmagent::v1::Artifacts artifacts;
  artifacts.set_target(target.name);
  artifacts.set_destination("builddir/" + target.name);
  *artifacts.mutable_root() = collected.root.ToProto();
  artifacts.set_files(collected.files);
  artifacts.set_bytes(collected.bytes);
  if (target.runner) {
    auto* runner = artifacts.mutable_runner();
    runner->set_runtime(target.runner->runtime);
    runner->set_program(target.runner->program);
    runner->mutable_env()->insert(target.runner->env.begin(), target.runner->env.end());
    runner->mutable_directories()->insert(target.runner->directories.begin(), target.runner->directories.end());
    runner->mutable_flags()->Assign(target.runner->flags.begin(), target.runner->flags.end());
  }
  RETURN_IF_ERROR(build_.Update([&](wasmagent::v1::Build& record) { *record.add_artifacts() = artifacts; }));
  BuildEvent event;
  *event.mutable_artifacts() = std::move(artifacts);
  return build_.Emit(std::move(event));
}

Ending BuildRunner::StoppedEnding(sandbox::StopReason reason) const {
  if (reason == sandbox::StopReason::kTimedOut) {
    return {wasmagent::v1::OUTCOME_TIMED_OUT,
            CauseOf("the build took longer than its time limit", "Give it more time with --timeout, 3h for example.")};
  }
  std::string why = build_.cancel_reason();
  return {wasmagent::v1::OUTCOME_CANCELLED, CauseOf(why.empty() ? "cancelled" : why)};
}

Ending BuildRunner::FailedEnding(const absl::Status& status) const {
  Ending ending = EndingOf(status);
  ending.cause->set_target(target_);
  ending.cause->set_step(step_);
  return ending;
}

Ending BuildRunner::EndingOf(const absl::Status& status) {
  std::string message(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
      return {wasmagent::v1::OUTCOME_FAILED, CauseOf(message)};
    default:
      if (IsDiskFull(status)) {
        return {
            wasmagent::v1::OUTCOME_INTERRUPTED,
            CauseOf(message, "Free space on the agent's disk, or lower its blob_budget_bytes and workspace_limit.")};
      }
      return {
          wasmagent::v1::OUTCOME_INTERRUPTED,
          CauseOf(message, "The agent could not carry the build out; its own log has more. Submitting again is safe.")};
  }
}

}  // namespace wasmagent::builds
