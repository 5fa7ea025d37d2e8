#include "agent/pipeline/plan_target.h"

#include <sys/utsname.h>

#include <algorithm>
#include <optional>
#include <set>

#include "absl/status/status.h"
#include "agent/pipeline/fingerprint.h"
#include "agent/pipeline/paths.h"
#include "agent/pipeline/runner.h"
#include "agent/pipeline/template_text.h"
#include "agent/pipeline/wasi_sdk.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

// What -j is told does not decide how a build dir is configured.
constexpr char kJobsInKey[] = "N";

const Toolchain* FindToolchain(const ToolchainInventory& inventory, const std::string& kind) {
  for (const Toolchain& toolchain : inventory.toolchains) {
    if (toolchain.kind == kind) return &toolchain;
  }
  return nullptr;
}

// This machine as config.guess of autoconf names it.
std::string BuildTriplet() {
  struct utsname name;
  const std::string machine = ::uname(&name) == 0 ? name.machine : "unknown";
  return fmt::format("{}-{}-linux-gnu", machine, machine == "x86_64" || machine == "i686" ? "pc" : "unknown");
}

// Replaces the variables of one target's texts.
class Expander {
 public:
  Expander(const TargetTemplate& target, const std::vector<PlannedTarget>& planned, const PlanContext& context,
           const Toolchain& toolchain, std::string jobs)
      : target_(target), planned_(planned), context_(context), toolchain_(toolchain), jobs_(std::move(jobs)) {}

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
    if (name == "ccache") return std::string(context_.inventory.ccache.empty() ? "" : "ccache");
    if (name == "triplet") return BuildTriplet();
    if (name == "hostrunner") return HostRunner(directory);
    if (name.rfind("env:", 0) == 0) {
      const auto found = context_.base_env.find(name.substr(4));
      return found == context_.base_env.end() ? "" : found->second;
    }
    for (const PlannedTarget& need : planned_) {
      if ("need:" + need.name == name) return need.build_directory;
    }
    return absl::InvalidArgumentError(fmt::format("target '{}': unknown variable ${{{}}}", target_.name, name));
  }

  // A command text that runs a WASI program, the program's name to come after it. Folders are relative, so that the
  // text, which ends up in config.cache, is the same in every workspace.
  absl::StatusOr<std::string> HostRunner(const std::string& directory) const {
    if (!target_.runner.has_value()) {
      return absl::InvalidArgumentError(
          fmt::format("target '{}' uses ${{hostrunner}} and has no runner", target_.name));
    }
    ASSIGN_OR_RETURN(const RunnerSpec runner, Runner());
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
  std::string jobs_;
};

absl::StatusOr<Step> PlanStep(const TargetTemplate& target, const StepTemplate& step, const Expander& expander,
                              const PlanContext& context, const Toolchain& toolchain) {
  Step planned;
  planned.name = step.name;
  planned.kind = step.kind;
  planned.directory = NormalPath(target.build_directory + "/" + step.directory);
  for (const std::string& word : step.argv) {
    ASSIGN_OR_RETURN(std::string text, expander.Text(word, planned.directory));
    planned.argv.push_back(std::move(text));
  }
  const PlanOptions& options = context.options;
  if (step.kind == StepKind::kConfigure) {
    planned.argv.insert(planned.argv.end(), options.configure_args.begin(), options.configure_args.end());
  } else if (step.kind == StepKind::kMake) {
    planned.argv.insert(planned.argv.end(), options.make_args.begin(), options.make_args.end());
  }
  planned.env = context.base_env;
  // A dressed SDK's clang is a script, which says nothing of the compiler behind it.
  if (!context.inventory.ccache.empty()) planned.env["CCACHE_COMPILERCHECK"] = "string:" + toolchain.fingerprint;
  for (const auto* texts : {&target.env, &step.env}) {
    ASSIGN_OR_RETURN(const auto env, expander.TextMap(*texts, planned.directory));
    for (const auto& [name, value] : env) planned.env[name] = value;
  }
  for (const auto& [name, value] : options.env) planned.env[name] = value;
  // One log for each target: those that run side by side are counted apart.
  if (auto log = planned.env.find("CCACHE_STATSLOG"); log != planned.env.end()) log->second += "-" + target.name;
  return planned;
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
    key.AddText("env", name + "=" + value);
  }
}

absl::StatusOr<std::string> ConfigureKey(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, const Toolchain& toolchain) {
  const Expander expander(target, planned, context, toolchain, kJobsInKey);
  Fingerprint key;
  key.AddText("toolchain", toolchain.fingerprint);
  if (!target.inputs.empty()) {
    ASSIGN_OR_RETURN_CTX(const std::string inputs, context.source.DigestOf(target.inputs),
                         fmt::format("target '{}': inputs", target.name));
    key.AddText("inputs", inputs);
  }
  // Without a configure step, what the other steps are told is what configures the build.
  const bool configures = std::any_of(target.steps.begin(), target.steps.end(),
                                      [](const StepTemplate& step) { return step.kind == StepKind::kConfigure; });
  for (const StepTemplate& step : target.steps) {
    if (configures && step.kind != StepKind::kConfigure) continue;
    ASSIGN_OR_RETURN(const Step expanded, PlanStep(target, step, expander, context, toolchain));
    AddStep(key, expanded, context.base_env);
  }
  for (const std::string& need : target.needs) {
    for (const PlannedTarget& other : planned) {
      if (other.name == need) key.AddText("need", other.configure_key);
    }
  }
  return key.Hex();
}

std::vector<std::string> Remarks(const TargetTemplate& target, const PlanContext& context, const Toolchain& toolchain) {
  std::vector<std::string> remarks = {fmt::format("toolchain: {} ({})", toolchain.path, toolchain.version)};
  if (context.inventory.ccache.empty())
    remarks.push_back("no ccache on this machine: every file is compiled anew after a clean start");
  if (!target.runner.has_value() || target.runner->runtime != "wasi") return remarks;
  const auto runtime = ChooseRuntime(context.inventory.runtimes);
  remarks.push_back(runtime.ok() ? fmt::format("runtime: {} {} ({})", runtime->name, runtime->version, runtime->path)
                                 : std::string(runtime.status().message()));
  return remarks;
}

}  // namespace

std::string ToolchainProblem(const TargetTemplate& target, const ToolchainInventory& inventory) {
  const Toolchain* toolchain = FindToolchain(inventory, target.toolchain);
  if (toolchain == nullptr) return fmt::format("this agent has no {} toolchain", target.toolchain);
  if (!toolchain->usable) return toolchain->problem;
  const int major = WasiSdkMajor(*toolchain);
  if (major == 0) return "";
  const std::string remedy =
      "; unpack release 24 of https://github.com/WebAssembly/wasi-sdk and let WASI_SDK_PATH name it";
  if (major < target.minimum_sdk) {
    return fmt::format("target '{}' needs a WASI SDK of version {} or newer; {} is {}{}", target.name,
                       target.minimum_sdk, toolchain->path, toolchain->version, remedy);
  }
  const auto refused = target.refused_sdks.find(major);
  if (refused == target.refused_sdks.end()) return "";
  return fmt::format("target '{}' must not be built with WASI SDK {}, which is in {}: {}{}", target.name, major,
                     toolchain->path, refused->second, remedy);
}

absl::StatusOr<PlannedTarget> PlanTarget(const TargetTemplate& target, const std::vector<PlannedTarget>& planned,
                                         const PlanContext& context, int jobs) {
  const std::string problem = ToolchainProblem(target, context.inventory);
  if (!problem.empty()) return absl::FailedPreconditionError(problem);
  const Toolchain& toolchain = *FindToolchain(context.inventory, target.toolchain);
  const Expander expander(target, planned, context, toolchain, fmt::format("{}", jobs));
  PlannedTarget result;
  result.name = target.name;
  result.jobs = jobs;
  result.toolchain_kind = target.toolchain;
  result.toolchain_fingerprint = toolchain.fingerprint;
  result.build_directory = target.build_directory;
  result.artifacts = target.artifacts;
  result.inputs = target.inputs;
  result.needs = target.needs;
  for (const StepTemplate& step : target.steps) {
    ASSIGN_OR_RETURN(Step expanded, PlanStep(target, step, expander, context, toolchain));
    result.steps.push_back(std::move(expanded));
  }
  if (target.runner.has_value()) {
    ASSIGN_OR_RETURN(result.runner, expander.Runner());
  }
  ASSIGN_OR_RETURN(result.configure_key, ConfigureKey(target, planned, context, toolchain));
  result.remarks = Remarks(target, context, toolchain);
  return result;
}

}  // namespace wasmagent::pipeline
