#include "agent/builds/target_runner.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_replace.h"
#include "agent/builds/compiler_cache_use.h"
#include "agent/builds/evidence.h"
#include "agent/builds/test_results.h"
#include "agent/pipeline/failure_cause.h"
#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/glob.h"
#include "agent/pipeline/paths.h"
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
// What every configure of autoconf says (since 2.50) when variables differ from those in its config.cache.
constexpr char kCacheRefused[] = "changes in the environment can compromise the build";
// Where ccache writes down what it did; its environment variable of that name.
constexpr char kStatsLogVariable[] = "CCACHE_STATSLOG";

void ToProto(absl::Duration from, google::protobuf::Duration& to) {
  to.set_seconds(absl::ToInt64Seconds(from));
  to.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(from - absl::Seconds(to.seconds()))));
}

bool Configures(const PlannedTarget& target) {
  return std::any_of(target.steps.begin(), target.steps.end(),
                     [](const Step& step) { return step.kind == StepKind::kConfigure; });
}

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

// A shell's exit codes for a command that cannot be run; 0 when it is not the command's fault.
int ExitCodeOf(const absl::Status& not_run) {
  if (absl::IsNotFound(not_run)) return 127;
  return absl::IsPermissionDenied(not_run) || absl::IsFailedPrecondition(not_run) ? 126 : 0;
}

int ExitCodeOf(const CommandResult& result) { return result.signal != 0 ? 128 + result.signal : result.exit_code; }

}  // namespace

std::optional<Ending> TargetRunner::Run() {
  auto ending = RunTarget();
  if (ending.ok()) return *std::move(ending);
  Ending failed = EndingOf(ending.status());
  failed.cause->set_target(target_.name);
  failed.cause->set_step(step_);
  if (failed.outcome == wasmagent::v1::OUTCOME_INTERRUPTED) {
    spdlog::error("build {} could not be carried out: {}", shared_.build.id(), std::string(ending.status().ToString()));
  }
  return failed;
}

std::string TargetRunner::InWorkspace(const std::string& text) const {
  return absl::StrReplaceAll(text, {{pipeline::kSourceRootMark, shared_.workspace.source()}});
}

std::string TargetRunner::BuildDirectory() const {
  const std::string& source = shared_.workspace.source();
  return target_.build_directory == "." ? source : source + "/" + target_.build_directory;
}

// Leaves the build dir as the target's configure steps may find it. `reason` tells why configure must run; it stays
// empty when it need not. With `seed`, an empty build dir gets the config.cache of an earlier one that was configured
// alike.
absl::Status TargetRunner::EnterBuildDirectory(bool seed, std::string& reason) {
  BuildDirectories::Found found;
  {
    absl::MutexLock lock(&shared_.mutex);
    ASSIGN_OR_RETURN(found, shared_.directories.Enter(target_, shared_.sync));
  }
  reason = found.reason;
  if (!found.empty || !seed) return absl::OkStatus();
  return shared_.parts.config_cache.Seed(target_.configure_key, BuildDirectory());
}

absl::Status TargetRunner::SetConfigured() {
  {
    absl::MutexLock lock(&shared_.mutex);
    RETURN_IF_ERROR(shared_.directories.SetConfigured(target_));
  }
  return platform::Annotate(shared_.parts.config_cache.Keep(target_.configure_key, BuildDirectory()),
                            "keep config.cache");
}

absl::Status TargetRunner::SetBuilt(const std::string& from) {
  absl::MutexLock lock(&shared_.mutex);
  return shared_.directories.SetBuilt(target_, from);
}

bool TargetRunner::BuiltFrom(const std::string& origin) {
  absl::MutexLock lock(&shared_.mutex);
  return shared_.directories.Built(target_, origin);
}

TargetRunner::MaybeEnding TargetRunner::RunTarget() {
  // What is only needed on the way stays on the agent, and is not even looked at by make when it was built from this
  // very tree.
  const std::string origin = OriginOf(target_, shared_.build.request().root().hash());
  const bool untouched = shared_.tree_untouched && !shared_.build.request().options().clean();
  if (!target_.asked_for && untouched && BuiltFrom(origin)) return SkipTarget();
  ASSIGN_OR_RETURN(auto ending, ConfigureAndRun());
  if (!target_.report.empty() && !shared_.winding_up) RETURN_IF_ERROR(TakeTestResults(ending));
  if (ending || shared_.winding_up) return ending;
  RETURN_IF_ERROR(SetBuilt(origin));
  step_.clear();
  if (!target_.asked_for || target_.artifacts.empty()) return std::nullopt;
  return CollectOrEnd();
}

// A config.cache may go stale in ways that its key does not know (a tool that went, a variable that a wrapper sets).
// autoconf notices and tells people to remove it and start over; that is done here, once.
TargetRunner::MaybeEnding TargetRunner::ConfigureAndRun() {
  // Whoever asks for a clean start wants no help from the past.
  bool seed = !shared_.build.request().options().clean();
  while (true) {
    std::string reason;
    RETURN_IF_ERROR_CTX(EnterBuildDirectory(seed, reason), fmt::format("target {}", target_.name));
    RETURN_IF_ERROR(SetBuilt(""));
    ASSIGN_OR_RETURN(auto ending, RunSteps(reason));
    if (!ending || !cache_refused_ || !seed || shared_.winding_up) return ending;
    seed = false;
    shared_.parts.config_cache.Forget(target_.configure_key);
    BuildEvent event;
    event.mutable_notice()->set_text(fmt::format(
        "{}: configure refused its config.cache; it is removed, and the target starts over once", target_.name));
    RETURN_IF_ERROR(shared_.build.Emit(std::move(event)));
  }
}

TargetRunner::MaybeEnding TargetRunner::RunSteps(const std::string& reason) {
  bool configured = reason.empty();
  for (const Step& step : target_.steps) {
    if (shared_.winding_up) return std::nullopt;
    if (step.kind != StepKind::kConfigure && !configured) {
      // The first step after configure: what was configured holds from now on, whatever becomes of make.
      RETURN_IF_ERROR(SetConfigured());
      configured = true;
    }
    const bool skip = step.kind == StepKind::kConfigure && reason.empty();
    // Where nothing configures, the first step is the one that meets an empty build dir.
    const bool tells = step.kind == StepKind::kConfigure || (!Configures(target_) && &step == &target_.steps.front());
    ASSIGN_OR_RETURN(auto ending, RunStep(step, skip, tells ? reason : ""));
    if (ending) return ending;
  }
  if (!configured) RETURN_IF_ERROR(SetConfigured());
  return std::nullopt;
}

TargetRunner::MaybeEnding TargetRunner::SkipTarget() {
  for (const Step& step : target_.steps) {
    const uint32_t number = shared_.next_step++;
    RETURN_IF_ERROR(TellStarted(number, step, CommandOf(step)));
    RETURN_IF_ERROR(SkipStep(number, "built already from the same tree"));
  }
  return std::nullopt;
}

sandbox::Command TargetRunner::CommandOf(const Step& step) const {
  sandbox::Command command;
  for (const std::string& word : step.argv) command.argv.push_back(InWorkspace(word));
  for (const auto& [name, value] : step.env) command.env[name] = InWorkspace(value);
  command.directory =
      shared_.workspace.source() + (step.directory.empty() || step.directory == "." ? "" : "/" + step.directory);
  command.limits = shared_.limits.resources;
  return command;
}

absl::Status TargetRunner::TellStarted(uint32_t number, const Step& step, const sandbox::Command& command) {
  BuildEvent event;
  auto* started = event.mutable_step_started();
  started->set_step(number);
  started->set_target(target_.name);
  started->set_name(step.name);
  started->mutable_argv()->Assign(command.argv.begin(), command.argv.end());
  started->set_directory(step.directory);
  return shared_.build.Emit(std::move(event));
}

absl::Status TargetRunner::SkipStep(uint32_t number, const std::string& reason) {
  BuildEvent event;
  event.mutable_step_ended()->set_step(number);
  event.mutable_step_ended()->set_skipped(true);
  event.mutable_step_ended()->set_reason(reason);
  return shared_.build.Emit(std::move(event));
}

absl::Status TargetRunner::TellEnded(uint32_t number, const Step& step, const CommandResult& result,
                                     const StepOutput& output, const std::string& reason) {
  BuildEvent event;
  auto* end = event.mutable_step_ended();
  end->set_step(number);
  end->set_exit_code(ExitCodeOf(result));
  end->set_signal(result.signal);
  ToProto(result.wall_time, *end->mutable_wall_time());
  ToProto(result.cpu_time, *end->mutable_cpu_time());
  end->set_peak_memory_bytes(result.peak_memory_bytes);
  end->set_compiled(output.count().compiled());
  end->set_linked(output.count().linked());
  if (auto log = step.env.find(kStatsLogVariable); log != step.env.end()) {
    const CompilerCacheUse cache = TakeCompilerCacheUse(InWorkspace(log->second));
    end->set_compiler_cache_hits(cache.hits);
    end->set_compiler_cache_misses(cache.misses);
  }
  end->set_reason(reason);
  return shared_.build.Emit(std::move(event));
}

// A folder that is there may lie behind a link: what the step does there is the step's doing. What the agent makes is
// in the workspace.
absl::Status TargetRunner::MakeStepDirectory(const Step& step, const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  return shared_.workspace.MakeFolder(step.directory, platform::InTheWay::kRefuse);
}

// The end of a step that could not be run, or whose end could not be waited for. A command that is not there is the
// build's failure; all else is the agent's.
TargetRunner::MaybeEnding TargetRunner::NotRun(uint32_t number, const absl::Status& status) {
  std::string message = fmt::format("step {} of {}: {}", step_, target_.name, std::string(status.message()));
  int exit_code = ExitCodeOf(status);
  BuildEvent event;
  event.mutable_step_ended()->set_step(number);
  event.mutable_step_ended()->set_exit_code(exit_code == 0 ? 1 : exit_code);
  event.mutable_step_ended()->set_reason(std::string(status.message()));
  RETURN_IF_ERROR(shared_.build.Emit(std::move(event)));
  if (exit_code == 0) return absl::Status(status.code(), message);
  Cause cause = CauseOf(message);
  cause.set_target(target_.name);
  cause.set_step(step_);
  cause.set_exit_code(exit_code);
  return Ending{wasmagent::v1::OUTCOME_FAILED, cause, /*keep_workspace=*/true};
}

TargetRunner::MaybeEnding TargetRunner::RunStep(const Step& step, bool skip, const std::string& reason) {
  const uint32_t number = shared_.next_step++;
  step_ = step.name;
  sandbox::Command command = CommandOf(step);
  RETURN_IF_ERROR(TellStarted(number, step, command));
  if (skip) {
    RETURN_IF_ERROR(SkipStep(number, "configured already with the same inputs"));
    return std::nullopt;
  }
  sandbox::StopToken& stop = shared_.build.stop();
  if (stop.reason() != sandbox::StopReason::kNone) return StoppedEnding(stop.reason());

  absl::Status there = MakeStepDirectory(step, command.directory);
  if (!there.ok()) return NotRun(number, there);
  StepOutput output(shared_.build, shared_.log, number, shared_.workspace.source(), step.directory,
                    target_.toolchain_kind, shared_.side_by_side);
  auto run = shared_.parts.launcher.Run(
      command, [&](std::string_view bytes) { return output.Take(bytes); }, stop, shared_.deadline,
      shared_.limits.kill_grace);
  RETURN_IF_ERROR(output.Finish());
  if (!run.ok()) return NotRun(number, run.status());
  const CommandResult& result = *run;
  RETURN_IF_ERROR(TellEnded(number, step, result, output, reason));
  if (result.end == CommandResult::End::kCancelled) return StoppedEnding(sandbox::StopReason::kCancelled);
  if (result.end == CommandResult::End::kTimedOut) return StoppedEnding(sandbox::StopReason::kTimedOut);
  if (result.end == CommandResult::End::kExited && result.exit_code == 0) return std::nullopt;
  cache_refused_ = step.kind == StepKind::kConfigure && output.tail().find(kCacheRefused) != std::string_view::npos;
  // Evidence that cannot be stored, on a full disk, is no reason to hide what failed.
  // A test that fails is explained by its report.
  absl::Status kept = step.kind == StepKind::kRun ? absl::OkStatus() : KeepEvidence();
  if (!kept.ok()) spdlog::warn("build {}: {}", shared_.build.id(), std::string(kept.message()));
  return Explain(step, result, output);
}

absl::Status TargetRunner::KeepEvidence() {
  if (!Configures(target_)) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto evidence,
                   KeepConfigLog(shared_.workspace, target_.name, target_.build_directory, shared_.parts.store));
  if (!evidence) return absl::OkStatus();
  {
    absl::MutexLock lock(&shared_.mutex);
    shared_.leases.push_back(evidence->lease);
  }
  RETURN_IF_ERROR(shared_.build.Update([&](wasmagent::v1::Build& record) { *record.add_evidence() = evidence->file; }));
  BuildEvent event;
  *event.mutable_evidence() = evidence->file;
  return shared_.build.Emit(std::move(event));
}

absl::Status TargetRunner::TakeTestResults(std::optional<Ending>& ending) {
  auto kept = KeepTestResults(InWorkspace(target_.report), target_.name, shared_.parts.store);
  if (absl::IsInvalidArgument(kept.status()) || (kept.ok() && !*kept)) {
    if (ending) return absl::OkStatus();  // what failed before any test ran has left none
    BuildEvent event;
    event.mutable_notice()->set_text(
        kept.ok() ? fmt::format("{}: its tests left no report", target_.name)
                  : fmt::format("{}: the report of its tests: {}", target_.name, std::string(kept.status().message())));
    return shared_.build.Emit(std::move(event));
  }
  if (!kept.ok()) return platform::Annotate(kept.status(), fmt::format("keep the test results of {}", target_.name));
  {
    absl::MutexLock lock(&shared_.mutex);
    shared_.leases.push_back((*kept)->lease);
  }
  RETURN_IF_ERROR(
      shared_.build.Update([&](wasmagent::v1::Build& record) { *record.add_test_results() = (*kept)->message; }));
  BuildEvent event;
  *event.mutable_test_results() = (*kept)->message;
  RETURN_IF_ERROR(shared_.build.Emit(std::move(event)));
  if (ending) ExplainByTests((*kept)->report, *ending);
  return absl::OkStatus();
}

Ending TargetRunner::Explain(const Step& step, const CommandResult& result, const StepOutput& output) const {
  pipeline::FailedStep failed{
      .kind = step.kind,
      .name = step.name,
      .target = target_.name,
      .result = result,
      .diagnostics = output.diagnostics(),
      .signs = output.signs(),
      .log_tail = output.tail(),
      .jobs = target_.jobs,
      .read_config_log = [this]() -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(auto file,
                         shared_.workspace.OpenFile(pipeline::NormalPath(target_.build_directory + "/config.log")));
        return platform::ReadAll(file.get(), kLargestConfigLog);
      }};
  pipeline::FailureCause why = pipeline::ExplainFailure(failed);
  Cause cause = CauseOf(why.summary, why.advice);
  cause.set_target(target_.name);
  cause.set_step(step.name);
  cause.set_exit_code(ExitCodeOf(result));
  cause.set_excerpt(why.excerpt);
  const bool memory = result.end == CommandResult::End::kOutOfMemory;
  // As by hand: what is built stays for the next try. On a full disk it would keep that from ever succeeding.
  return Ending{memory ? wasmagent::v1::OUTCOME_OUT_OF_MEMORY : wasmagent::v1::OUTCOME_FAILED, cause,
                /*keep_workspace=*/!why.disk_full};
}

Ending TargetRunner::StoppedEnding(sandbox::StopReason reason) const {
  if (reason == sandbox::StopReason::kTimedOut) {
    return {wasmagent::v1::OUTCOME_TIMED_OUT,
            CauseOf("the build took longer than its time limit", "Give it more time with --timeout, 3h for example."),
            /*keep_workspace=*/true};
  }
  std::string why = shared_.build.cancel_reason();
  return {wasmagent::v1::OUTCOME_CANCELLED, CauseOf(why.empty() ? "cancelled" : why), /*keep_workspace=*/true};
}

TargetRunner::MaybeEnding TargetRunner::CollectOrEnd() {
  absl::Status collected = Collect();
  if (collected.ok()) return std::nullopt;
  std::string message = fmt::format("collect the artifacts of {}: {}", target_.name, std::string(collected.message()));
  if (!absl::IsNotFound(collected)) return absl::Status(collected.code(), message);
  // A pattern that fits nothing says nothing against what was built.
  Cause cause = CauseOf(message, "Mend the target's artifacts, which are patterns below its build dir.");
  cause.set_target(target_.name);
  return Ending{wasmagent::v1::OUTCOME_FAILED, cause, /*keep_workspace=*/true};
}

absl::Status TargetRunner::Collect() {
  absl::flat_hash_set<std::string> sources;
  bool among_sources;
  {
    absl::MutexLock lock(&shared_.mutex);
    among_sources = shared_.directories.AmongSources(target_);
  }
  if (among_sources) {
    ASSIGN_OR_RETURN(sources, shared_.workspace.SourcePaths(target_.build_directory));
  }
  ASSIGN_OR_RETURN(auto collected, workspace::CollectArtifacts(BuildDirectory(), target_.artifacts,
                                                               pipeline::GlobListMatch, sources, shared_.parts.store));
  {
    absl::MutexLock lock(&shared_.mutex);
    shared_.leases.push_back(collected.lease);
  }
  wasmagent::v1::Artifacts artifacts;
  artifacts.set_target(target_.name);
  artifacts.set_destination("builddir/" + target_.name);
  *artifacts.mutable_root() = collected.root.ToProto();
  artifacts.set_files(collected.files);
  artifacts.set_bytes(collected.bytes);
  if (target_.runner) {
    auto* runner = artifacts.mutable_runner();
    runner->set_runtime(target_.runner->runtime);
    runner->set_program(target_.runner->program);
    runner->mutable_env()->insert(target_.runner->env.begin(), target_.runner->env.end());
    runner->mutable_directories()->insert(target_.runner->directories.begin(), target_.runner->directories.end());
    runner->mutable_flags()->Assign(target_.runner->flags.begin(), target_.runner->flags.end());
  }
  RETURN_IF_ERROR(shared_.build.Update([&](wasmagent::v1::Build& record) { *record.add_artifacts() = artifacts; }));
  BuildEvent event;
  *event.mutable_artifacts() = std::move(artifacts);
  return shared_.build.Emit(std::move(event));
}

}  // namespace wasmagent::builds
