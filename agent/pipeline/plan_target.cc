#include "agent/pipeline/plan_target.h"

#include <sys/utsname.h>

#include <algorithm>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/nearest_name.h"
#include "agent/pipeline/paths.h"
#include "agent/pipeline/runner.h"
#include "agent/pipeline/sdk_choice.h"
#include "agent/pipeline/template_text.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// As a word of its own it is as many words as there are; within one they stand with blanks between.
constexpr char kArguments[] = "${args}";

// What -j is told does not decide how a build dir is configured.
constexpr char kJobsInKey[] = "N";

// This machine as config.guess of autoconf names it.
std::string BuildTriplet() {
  struct utsname name;
  const std::string machine = ::uname(&name) == 0 ? name.machine : "unknown";
  return fmt::format("{}-{}-linux-gnu", machine, machine == "x86_64" || machine == "i686" ? "pc" : "unknown");
}

// What every step of a target gets before the target's own: the agent's, then the toolchain's. Its texts may hold
// kSourceRootMark.
std::map<std::string, std::string> StepEnvironment(const PlanContext& context, const Toolchain& toolchain) {
  std::map<std::string, std::string> env = context.base_env;
  for (const auto& [name, value] : toolchain.env) env[name] = value;
  if (!toolchain.search_folders.empty()) {
    env["PATH"] = fmt::format("{}:{}", fmt::join(toolchain.search_folders, ":"), env["PATH"]);
  }
  // A dressed SDK's clang is a script, which says nothing of the compiler behind it.
  if (!context.inventory.ccache.empty()) env["CCACHE_COMPILERCHECK"] = "string:" + toolchain.fingerprint;
  return env;
}

// Where headers and libraries of the SDK are.
std::string SysrootOf(const Toolchain& toolchain) {
  return toolchain.sysroot.empty() ? toolchain.path + "/share/wasi-sysroot" : toolchain.sysroot;
}

// Where a test report of this build is put: a folder that is new for each, so that none of an earlier run is taken for
// it.
std::string ReportOf(const TargetTemplate& target) {
  return fmt::format("{}/test-results-{}.xml", kTemporaryFolder, target.name);
}

// Replaces the variables of one target's texts.
class Expander {
 public:
  Expander(const TargetTemplate& target, const std::vector<PlannedTarget>& planned, const PlanContext& context,
           const Toolchain& toolchain, const TargetOptions& options, std::string jobs)
      : target_(target),
        planned_(planned),
        context_(context),
        toolchain_(toolchain),
        options_(options),
        env_(StepEnvironment(context, toolchain)),
        jobs_(std::move(jobs)) {}

  // What the steps get before the target's own environment; ${env:NAME} is looked up here.
  const std::map<std::string, std::string>& env() const { return env_; }

  const TargetOptions& options() const { return options_; }

  // `directory` is where the text will be used, relative to the source root: it decides ${src}.
  absl::StatusOr<std::string> Text(const std::string& text, const std::string& directory) const {
    absl::Status failure;
    auto expanded = ExpandText(text, [&](std::string_view name) -> std::optional<std::string> {
      auto value = Value(std::string(name), directory);
      if (value.ok()) return *std::move(value);
      failure = value.status();
      return std::nullopt;
    });
    return failure.ok() ? expanded : absl::StatusOr<std::string>(failure);
  }

  absl::StatusOr<std::map<std::string, std::string>> TextMap(const std::map<std::string, std::string>& texts,
                                                             const std::string& directory) const {
    std::map<std::string, std::string> result;
    for (const auto& [name, text] : texts) {
      ASSIGN_OR_RETURN(result[name], Text(text, directory));
    }
    return result;
  }

  // How the product is run, relative to the checkout: artifacts are brought to builddir/<target> there, wherever they
  // were built. Folders are "" for the root itself.
  absl::StatusOr<RunnerSpec> Runner() const {
    RunnerSpec runner = *target_.runner;
    ASSIGN_OR_RETURN(const std::string program, Text(runner.program, "."));
    runner.program = NormalPath(fmt::format("builddir/{}/{}", target_.name, program));
    ASSIGN_OR_RETURN(runner.env, TextMap(runner.env, "."));
    ASSIGN_OR_RETURN(runner.directories, TextMap(runner.directories, "."));
    for (auto& [guest, host] : runner.directories) {
      host = NormalPath(host);
      if (host == ".") host.clear();
    }
    return runner;
  }

 private:
  absl::StatusOr<std::string> Value(const std::string& name, const std::string& directory) const {
    if (name == "src") return RelativePath(directory, ".");
    if (name == "abs_src") return std::string(kSourceRootMark);
    if (name == "build") return target_.build_directory;
    if (name == "jobs") return jobs_;
    if (name == "sdk") return toolchain_.path;
    if (name == "sysroot") return SysrootOf(toolchain_);
    if (name == "ccache") return std::string(context_.inventory.ccache.empty() ? "" : "ccache");
    if (name == "triplet") return BuildTriplet();
    if (name == "hostrunner") return HostRunner(directory);
    if (name == "args") return fmt::format("{}", fmt::join(options_.action_args, " "));
    if (name == "report") return ReportOf(target_);
    if (name.rfind("env:", 0) == 0) {
      const auto found = env_.find(name.substr(4));
      return found == env_.end() ? "" : found->second;
    }
    if (const auto own = target_.let.find(name); own != target_.let.end()) return Text(own->second, directory);
    for (const PlannedTarget& need : planned_) {
      if ("need:" + need.name == name) return need.build_directory;
    }
    return absl::InvalidArgumentError(fmt::format("target '{}': unknown variable ${{{}}}", target_.name, name));
  }

  // A command text that runs a program of the target, the program's name to come after it. Folders are relative, so
  // that the text, which ends up in config.cache, is the same in every workspace.
  absl::StatusOr<std::string> HostRunner(const std::string& directory) const {
    if (!target_.runner.has_value()) {
      return absl::InvalidArgumentError(
          fmt::format("target '{}' uses ${{hostrunner}} and has no runner", target_.name));
    }
    ASSIGN_OR_RETURN(const RunnerSpec runner, Runner());
    if (runner.runtime == "node") return fmt::format("{}", fmt::join(NodePrefix(toolchain_, runner), " "));
    Runtime runtime;
    const auto chosen = ChooseRuntime(context_.inventory.runtimes);
    if (chosen.ok()) {
      runtime = *chosen;
    } else {
      // Building needs none; a text that fails when it is run is better than one that configure makes up.
      runtime.name = "wasmtime";
      runtime.version = "14.0.4";
      runtime.command = {"wasmtime"};
    }
    return fmt::format("{}", fmt::join(RuntimePrefix(runtime, runner, RelativePath(directory, ".")), " "));
  }

  const TargetTemplate& target_;
  const std::vector<PlannedTarget>& planned_;
  const PlanContext& context_;
  const Toolchain& toolchain_;
  const TargetOptions& options_;
  const std::map<std::string, std::string> env_;
  std::string jobs_;
};

bool Configures(const TargetTemplate& target) {
  return std::any_of(target.steps.begin(), target.steps.end(),
                     [](const StepTemplate& step) { return step.kind == StepKind::kConfigure; });
}

absl::StatusOr<Step> PlanStep(const TargetTemplate& target, const StepTemplate& step, const Expander& expander) {
  const TargetOptions& options = expander.options();
  Step planned;
  planned.name = step.name;
  planned.kind = step.kind;
  planned.directory = NormalPath(target.build_directory + "/" + step.directory);
  for (const std::string& word : step.argv) {
    if (word == kArguments) {
      planned.argv.insert(planned.argv.end(), options.action_args.begin(), options.action_args.end());
      continue;
    }
    ASSIGN_OR_RETURN(std::string text, expander.Text(word, planned.directory));
    planned.argv.push_back(std::move(text));
  }
  if (step.kind == StepKind::kConfigure) {
    planned.argv.insert(planned.argv.end(), options.configure_args.begin(), options.configure_args.end());
  } else if (step.kind == StepKind::kMake) {
    planned.argv.insert(planned.argv.end(), options.make_args.begin(), options.make_args.end());
  }
  planned.env = expander.env();
  for (const auto* texts : {&target.env, &step.env}) {
    ASSIGN_OR_RETURN(const auto env, expander.TextMap(*texts, planned.directory));
    for (const auto& [name, value] : env) planned.env[name] = value;
  }
  for (const auto& [name, value] : options.env) planned.env[name] = value;
  // One log for each target: those that run side by side are counted apart.
  if (auto log = planned.env.find("CCACHE_STATSLOG"); log != planned.env.end()) log->second += "-" + target.name;
  return planned;
}

// Adds what is asked for beyond building; for "configure", takes away what comes after it.
absl::Status AddAction(const TargetTemplate& target, const Expander& expander, PlannedTarget& planned) {
  const std::string& name = expander.options().action;
  if (name.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckAction(target, name));
  const auto action = target.actions.find(name);
  if (action == target.actions.end()) {
    while (planned.steps.back().kind != StepKind::kConfigure) planned.steps.pop_back();
    planned.artifacts.clear();
    planned.runner.reset();
    return absl::OkStatus();
  }
  const std::string report = ReportOf(target);
  for (const StepTemplate& step : action->second.steps) {
    ASSIGN_OR_RETURN(Step expanded, PlanStep(target, step, expander));
    for (const std::string& word : expanded.argv) {
      if (word.find(report) != std::string::npos) planned.report = report;
    }
    planned.steps.push_back(std::move(expanded));
  }
  return absl::OkStatus();
}

void AddStep(Fingerprint& key, const Step& step, const std::map<std::string, std::string>& base_env) {
  static const std::set<std::string> kParallelism = {"MAKEFLAGS", "GNUMAKEFLAGS", "MFLAGS"};
  key.AddText("step", step.name);
  key.AddText("directory", step.directory);
  for (const std::string& word : step.argv) key.AddText("argv", word);
  for (const auto& [name, value] : step.env) {
    if (kParallelism.count(name) > 0) continue;
    // What every step gets (HOME, TMPDIR, CCACHE_DIR …) does not decide what configure finds, and may differ between
    // agents; PATH does.
    const auto base = base_env.find(name);
    if (name != "PATH" && base != base_env.end() && base->second == value) continue;
    key.AddText("env", fmt::format("{}={}", name, value));
  }
}

absl::StatusOr<std::string> ConfigureKey(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, const Toolchain& toolchain,
                                         const TargetOptions& options) {
  const Expander expander(target, planned, context, toolchain, options, kJobsInKey);
  Fingerprint key;
  key.AddText("toolchain", toolchain.fingerprint);
  if (!target.inputs.empty()) {
    ASSIGN_OR_RETURN_CTX(const std::string inputs, context.source.DigestOf(target.inputs),
                         fmt::format("target '{}': inputs", target.name));
    key.AddText("inputs", inputs);
  }
  // Without a configure step, what the other steps are told is what configures the build.
  const bool configures = Configures(target);
  for (const StepTemplate& step : target.steps) {
    if (configures && step.kind != StepKind::kConfigure) continue;
    ASSIGN_OR_RETURN(const Step expanded, PlanStep(target, step, expander));
    AddStep(key, expanded, context.base_env);
  }
  for (const std::string& need : target.needs) {
    for (const PlannedTarget& other : planned) {
      if (other.name == need) key.AddText("need", other.configure_key);
    }
  }
  return key.Hex();
}

// The remarks on what the target is run with.
void AddRuntimeRemarks(const RunnerSpec& runner, const PlanContext& context, const Toolchain& toolchain,
                       std::vector<std::string>& remarks) {
  if (runner.runtime == "node" && !toolchain.node.path.empty()) {
    remarks.push_back(fmt::format("runtime: node {} ({})", toolchain.node.version, toolchain.node.path));
  }
  if (runner.runtime != "wasi") return;
  const auto runtime = ChooseRuntime(context.inventory.runtimes);
  remarks.push_back(runtime.ok() ? fmt::format("runtime: {} {} ({})", runtime->name, runtime->version, runtime->path)
                                 : std::string(runtime.status().message()));
}

std::vector<std::string> Remarks(const TargetTemplate& target, const PlanContext& context, const SdkChoice& choice) {
  std::vector<std::string> remarks = choice.remarks;
  if (!target.support.empty()) remarks.push_back("support: " + target.support);
  if (!target.broken.empty()) remarks.push_back("broken, and built because it was forced: " + target.broken);
  if (context.inventory.ccache.empty())
    remarks.push_back("no ccache on this machine: every file is compiled anew after a clean start");
  if (target.runner.has_value()) AddRuntimeRemarks(*target.runner, context, *choice.toolchain, remarks);
  return remarks;
}

}  // namespace

absl::Status CheckBuildable(const TargetTemplate& target, const ToolchainInventory& inventory, bool force) {
  if (!target.broken.empty() && !force) {
    return absl::FailedPreconditionError(
        fmt::format("target '{}' is broken: {}; --force builds it all the same", target.name, target.broken));
  }
  return ChooseSdk(target, inventory).status();
}

absl::Status CheckAction(const TargetTemplate& target, const std::string& action) {
  if (action.empty() || target.actions.count(action) > 0) return absl::OkStatus();
  if (action == kConfigureAction) {
    if (Configures(target)) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format("target '{}' has no configure step", target.name));
  }
  std::vector<std::string> known;
  for (const auto& [name, steps] : target.actions) known.push_back(name);
  std::string problem = fmt::format("target '{}' has no action '{}'", target.name, action);
  if (!known.empty()) {
    problem += fmt::format("{} (it has: {})", DidYouMean(action, known), fmt::join(known, ", "));
  } else if (!target.runner.has_value()) {
    problem += ": nothing on an agent can run what it builds";
  }
  return absl::FailedPreconditionError(problem);
}

absl::StatusOr<PlannedTarget> PlanTarget(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, int jobs, const TargetOptions* asked) {
  RETURN_IF_ERROR(CheckBuildable(target, context.inventory, context.force));
  ASSIGN_OR_RETURN(const SdkChoice choice, ChooseSdk(target, context.inventory));
  const Toolchain& toolchain = *choice.toolchain;
  const TargetOptions options = asked != nullptr ? *asked : TargetOptions{};
  const Expander expander(target, planned, context, toolchain, options, fmt::format("{}", jobs));
  PlannedTarget result;
  result.name = target.name;
  result.jobs = jobs;
  result.toolchain_kind = target.toolchain;
  result.toolchain_fingerprint = toolchain.fingerprint;
  result.build_directory = target.build_directory;
  result.links = toolchain.links;
  result.artifacts = target.artifacts;
  result.inputs = target.inputs;
  result.needs = target.needs;
  for (const StepTemplate& step : target.steps) {
    ASSIGN_OR_RETURN(Step expanded, PlanStep(target, step, expander));
    result.steps.push_back(std::move(expanded));
  }
  if (target.runner.has_value()) {
    ASSIGN_OR_RETURN(result.runner, expander.Runner());
  }
  RETURN_IF_ERROR(AddAction(target, expander, result));
  result.asked_for = asked != nullptr;
  if (!result.asked_for) {
    result.artifacts.clear();
    result.runner.reset();
  }
  ASSIGN_OR_RETURN(result.configure_key, ConfigureKey(target, planned, context, toolchain, options));
  result.remarks = Remarks(target, context, choice);
  if (choice.among_several) result.sdk_choice = choice.remarks.front();
  return result;
}

}  // namespace wasmagent::pipeline
