#include "agent/pipeline/target_reader.h"

#include <algorithm>
#include <optional>

#include "agent/pipeline/glob.h"
#include "agent/pipeline/nearest_name.h"
#include "agent/pipeline/node_flags.h"
#include "agent/pipeline/paths.h"
#include "agent/pipeline/template_text.h"
#include "agent/pipeline/yaml_fields.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"
#include "platform/version_number.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

const std::vector<std::string>& ToolchainNames() {
  static const auto* names = new std::vector<std::string>{"wasi", "emscripten", "native"};
  return *names;
}

const std::vector<std::string>& SupportLevels() {
  static const auto* levels =
      new std::vector<std::string>{"tier 1", "tier 2", "tier 3", "working", "experimental", "broken"};
  return *levels;
}

const std::vector<std::string>& VariableNames() {
  static const auto* names =
      new std::vector<std::string>{"src",        "abs_src", "build", "jobs",   "sdk",         "ccache",  "triplet",
                                   "hostrunner", "sysroot", "args",  "report", "need:TARGET", "env:NAME"};
  return *names;
}

// Reads one target; holds what its parts need to know of it.
class TargetReader {
 public:
  explicit TargetReader(std::string_view file) : file_(file) {}

  absl::StatusOr<TargetTemplate> Read(const YAML::Node& name, const YAML::Node& node) {
    RETURN_IF_ERROR(ReadName(name));
    ASSIGN_OR_RETURN(const YamlFields fields,
                     YamlFields::Open(node, file_, fmt::format("target '{}'", target_.name),
                                      {"description", "support", "broken", "toolchain", "needs", "build_dir", "let",
                                       "env", "steps", "actions", "inputs", "artifacts", "runner", "minimum_sdk",
                                       "refused_sdks", "preferred_sdk", "sdk"}));
    ASSIGN_OR_RETURN(target_.description, fields.Text("description", ""));
    RETURN_IF_ERROR(ReadSupport(fields));
    RETURN_IF_ERROR(ReadToolchain(fields));
    RETURN_IF_ERROR(ReadSdkRules(fields));
    has_runner_ = fields.Has("runner");
    ASSIGN_OR_RETURN(target_.needs, fields.Texts("needs"));
    ASSIGN_OR_RETURN(target_.build_directory, fields.Text("build_dir", "builddir/" + target_.name));
    const std::string problem = RelativePathProblem(target_.build_directory);
    if (!problem.empty()) return fields.Error(fields.Get("build_dir"), fmt::format("'build_dir' {}", problem));
    target_.build_directory = NormalPath(target_.build_directory);
    RETURN_IF_ERROR(ReadLet(fields));
    ASSIGN_OR_RETURN(target_.env, ReadEnv(fields));
    ASSIGN_OR_RETURN(target_.steps, ReadSteps(fields, fmt::format("target '{}'", target_.name)));
    RETURN_IF_ERROR(ReadActions(fields));
    ASSIGN_OR_RETURN(target_.inputs, ReadGlobs(fields, "inputs", false));
    ASSIGN_OR_RETURN(target_.artifacts, ReadGlobs(fields, "artifacts", true));
    RETURN_IF_ERROR(ReadRunner(fields));
    return std::move(target_);
  }

 private:
  absl::Status ReadName(const YAML::Node& node) {
    target_.name = node.Scalar();
    const bool good = std::all_of(target_.name.begin(), target_.name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.';
    });
    if (good && !target_.name.empty() && target_.name[0] != '.' && target_.name[0] != '-') return absl::OkStatus();
    return YamlError(file_, node.Mark(),
                     fmt::format("'{}' cannot name a target: letters, digits, '-', '_' and '.', not first '.' or '-'",
                                 target_.name));
  }

  absl::Status ReadSupport(const YamlFields& fields) {
    ASSIGN_OR_RETURN(target_.support, fields.Text("support", ""));
    const std::vector<std::string>& levels = SupportLevels();
    if (!target_.support.empty() && std::find(levels.begin(), levels.end(), target_.support) == levels.end()) {
      return fields.Error(fields.Get("support"),
                          fmt::format("unknown level of support '{}'{} (known: {})", target_.support,
                                      DidYouMean(target_.support, levels), fmt::join(levels, ", ")));
    }
    if (fields.Has("broken")) {
      ASSIGN_OR_RETURN(target_.broken, fields.Text("broken"));
    }
    if (target_.broken.empty() == (target_.support != "broken")) return absl::OkStatus();
    return fields.Error(fields.Get(target_.broken.empty() ? "support" : "broken"),
                        "'support: broken' and 'broken: why' go together");
  }

  absl::Status ReadToolchain(const YamlFields& fields) {
    ASSIGN_OR_RETURN(target_.toolchain, fields.Text("toolchain"));
    const std::vector<std::string>& known = ToolchainNames();
    if (std::find(known.begin(), known.end(), target_.toolchain) != known.end()) return absl::OkStatus();
    return fields.Error(fields.Get("toolchain"),
                        fmt::format("unknown toolchain '{}'{} (known: {})", target_.toolchain,
                                    DidYouMean(target_.toolchain, known), fmt::join(known, ", ")));
  }

  // A version, or "" when the key is not there.
  static absl::StatusOr<std::string> ReadVersion(const YamlFields& fields, const std::string& key) {
    if (!fields.Has(key)) return "";
    ASSIGN_OR_RETURN(std::string version, fields.Text(key));
    if (platform::IsVersionNumber(version)) return version;
    return fields.Error(fields.Get(key),
                        fmt::format("'{}' must be a version, 24 or 3.1.19 for example, not '{}'", key, version));
  }

  // A pair of "26: why".
  static bool IsReasonedVersion(const YAML::Node& version, const YAML::Node& reason) {
    return platform::IsVersionNumber(version.Scalar()) && reason.IsScalar() && !reason.Scalar().empty();
  }

  // A version, or a mapping from one to the reason.
  absl::Status ReadMinimum(const YamlFields& fields) {
    const std::string key = "minimum_sdk";
    if (!fields.Get(key).IsMap() || !fields.Has(key)) {
      ASSIGN_OR_RETURN(target_.minimum_sdk, ReadVersion(fields, key));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto pairs, fields.Pairs(key));
    if (pairs.size() != 1 || !IsReasonedVersion(pairs[0].first, pairs[0].second)) {
      return fields.Error(fields.Get(key), "'minimum_sdk' maps one version of the SDK to the reason: {24: \"…\"}");
    }
    target_.minimum_sdk = pairs[0].first.Scalar();
    target_.minimum_sdk_reason = pairs[0].second.Scalar();
    return absl::OkStatus();
  }

  absl::Status ReadSdkRules(const YamlFields& fields) {
    RETURN_IF_ERROR(ReadMinimum(fields));
    ASSIGN_OR_RETURN(target_.preferred_sdk, ReadVersion(fields, "preferred_sdk"));
    ASSIGN_OR_RETURN(target_.sdk, ReadVersion(fields, "sdk"));
    ASSIGN_OR_RETURN(const auto refused, fields.Pairs("refused_sdks"));
    for (const auto& [version, reason] : refused) {
      if (!IsReasonedVersion(version, reason)) {
        return fields.Error(version, "'refused_sdks' maps versions of the SDK to the reason: 26: \"…\"");
      }
      target_.refused_sdks[version.Scalar()] = reason.Scalar();
    }
    return absl::OkStatus();
  }

  // Variables of the target's own, for steps that several targets share.
  absl::Status ReadLet(const YamlFields& fields) {
    ASSIGN_OR_RETURN(const auto pairs, fields.Pairs("let"));
    ASSIGN_OR_RETURN(auto values, fields.TextMap("let"));
    for (const auto& [name, value] : pairs) {
      const std::string& text = name.Scalar();
      const bool good = !text.empty() && text[0] >= 'a' && text[0] <= 'z' &&
                        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
      const std::vector<std::string>& known = VariableNames();
      if (!good) {
        return fields.Error(name, fmt::format("'{}' cannot name a variable: small letters, digits and '_', a letter "
                                              "first",
                                              text));
      }
      if (std::find(known.begin(), known.end(), text) != known.end()) {
        return fields.Error(name, fmt::format("${{{}}} has a meaning already", text));
      }
      // Its own variables are not known yet: what they stand for is no other one of them.
      RETURN_IF_ERROR(CheckVariables(value, value.Scalar()));
    }
    target_.let = std::move(values);
    return absl::OkStatus();
  }

  // Checks the variables in a text; `node` tells where it stands.
  absl::Status CheckVariables(const YAML::Node& node, const std::string& text) const {
    std::string problem;
    const auto lookup = [&](std::string_view name) -> std::optional<std::string> {
      const std::string key(name);
      const std::vector<std::string>& known = VariableNames();
      if (key.rfind("env:", 0) == 0 && key.size() > 4) return "";
      if (key.rfind("need:", 0) == 0) {
        const std::string need = key.substr(5);
        if (std::find(target_.needs.begin(), target_.needs.end(), need) != target_.needs.end()) return "";
        problem = fmt::format("${{{}}}: target '{}' does not list '{}' in its needs", key, target_.name, need);
        return std::nullopt;
      }
      if (key == "hostrunner" && !has_runner_) {
        problem = fmt::format("${{hostrunner}}: target '{}' has no runner", target_.name);
        return std::nullopt;
      }
      if ((key == "sdk" || key == "sysroot") && target_.toolchain == "native") {
        problem = fmt::format("${{{}}} is for WebAssembly toolchains; this target's is native", key);
        return std::nullopt;
      }
      if (target_.let.count(key) > 0) return "";
      if ((key == "args" || key == "report") && !in_action_) {
        problem = fmt::format("${{{}}} is for the steps of actions", key);
        return std::nullopt;
      }
      if (std::find(known.begin(), known.end(), key) != known.end()) return "";
      std::vector<std::string> all = known;
      for (const auto& [own, value] : target_.let) all.push_back(own);
      problem = fmt::format("unknown variable ${{{}}}{} (known: {})", key, DidYouMean(key, all), fmt::join(all, ", "));
      return std::nullopt;
    };
    const auto expanded = ExpandText(text, lookup);
    if (expanded.ok()) return absl::OkStatus();
    return YamlError(file_, node.Mark(), problem.empty() ? std::string(expanded.status().message()) : problem);
  }

  absl::StatusOr<std::map<std::string, std::string>> ReadEnv(const YamlFields& fields) const {
    ASSIGN_OR_RETURN(auto env, fields.TextMap("env"));
    ASSIGN_OR_RETURN(const auto pairs, fields.Pairs("env"));
    for (const auto& [name, value] : pairs) {
      if (name.Scalar().empty() || name.Scalar().find('=') != std::string::npos) {
        return fields.Error(name, fmt::format("'{}' cannot name an environment variable", name.Scalar()));
      }
      RETURN_IF_ERROR(CheckVariables(value, value.Scalar()));
    }
    return env;
  }

  // `owner` is what the steps belong to, for messages.
  absl::StatusOr<std::vector<StepTemplate>> ReadSteps(const YamlFields& fields, const std::string& owner) const {
    ASSIGN_OR_RETURN(const std::vector<YAML::Node> items, fields.Items("steps"));
    if (items.empty()) {
      return fields.Error(fields.Get("steps"), fmt::format("{} needs 'steps', at least one", owner));
    }
    std::vector<StepTemplate> steps;
    for (const YAML::Node& item : items) {
      ASSIGN_OR_RETURN(StepTemplate step, ReadStep(item, owner));
      for (const StepTemplate& other : steps) {
        if (other.name != step.name) continue;
        return YamlError(file_, item.Mark(), fmt::format("two steps of {} are named '{}'", owner, step.name));
      }
      steps.push_back(std::move(step));
    }
    return steps;
  }

  absl::Status ReadActions(const YamlFields& target) {
    ASSIGN_OR_RETURN(const auto pairs, target.Pairs("actions"));
    in_action_ = true;
    for (const auto& [name, node] : pairs) {
      const std::string& text = name.Scalar();
      if (text.empty() || text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") != std::string::npos) {
        return target.Error(name, fmt::format("'{}' cannot name an action: small letters, digits, '-' and '_'", text));
      }
      if (text == kConfigureAction) {
        return target.Error(name, "'configure' is an action of every target that has a configure step");
      }
      const std::string owner = fmt::format("action '{}' of target '{}'", text, target_.name);
      ASSIGN_OR_RETURN(const YamlFields fields, YamlFields::Open(node, file_, owner, {"steps"}));
      ASSIGN_OR_RETURN(target_.actions[text].steps, ReadSteps(fields, owner));
      for (const StepTemplate& step : target_.actions[text].steps) {
        if (step.kind == StepKind::kRun) continue;
        return fields.Error(fields.Get("steps"),
                            fmt::format("step '{}' of an action must be of kind 'run'", step.name));
      }
    }
    in_action_ = false;
    return absl::OkStatus();
  }

  absl::StatusOr<StepTemplate> ReadStep(const YAML::Node& node, const std::string& owner) const {
    ASSIGN_OR_RETURN(const YamlFields fields,
                     YamlFields::Open(node, file_, "a step of " + owner, {"name", "kind", "argv", "env", "directory"}));
    StepTemplate step;
    ASSIGN_OR_RETURN(step.name, fields.Text("name"));
    ASSIGN_OR_RETURN(const std::string kind, fields.Text("kind", "run"));
    if (kind == "configure") {
      step.kind = StepKind::kConfigure;
    } else if (kind == "make") {
      step.kind = StepKind::kMake;
    } else if (kind != "run") {
      return fields.Error(fields.Get("kind"), fmt::format("unknown kind '{}'{} (known: configure, make, run)", kind,
                                                          DidYouMean(kind, {"configure", "make", "run"})));
    }
    ASSIGN_OR_RETURN(const std::vector<YAML::Node> words, fields.Items("argv"));
    ASSIGN_OR_RETURN(step.argv, fields.Texts("argv"));
    if (step.argv.empty() || step.argv[0].empty()) {
      return fields.Error(fields.Get("argv"),
                          fmt::format("step '{}' needs 'argv', a list: [program, argument, …]", step.name));
    }
    for (const YAML::Node& word : words) RETURN_IF_ERROR(CheckVariables(word, word.Scalar()));
    ASSIGN_OR_RETURN(step.env, ReadEnv(fields));
    ASSIGN_OR_RETURN(step.directory, fields.Text("directory", ""));
    const std::string below = NormalPath(target_.build_directory + "/" + step.directory);
    if ((!step.directory.empty() && step.directory[0] == '/') || below == ".." || below.rfind("../", 0) == 0) {
      return fields.Error(fields.Get("directory"),
                          "'directory' is relative to the build dir and stays in the source tree");
    }
    return step;
  }

  absl::StatusOr<std::vector<std::string>> ReadGlobs(const YamlFields& fields, const std::string& key,
                                                     bool exclusions) const {
    ASSIGN_OR_RETURN(const std::vector<YAML::Node> items, fields.Items(key));
    ASSIGN_OR_RETURN(std::vector<std::string> globs, fields.Texts(key));
    for (size_t i = 0; i < globs.size(); ++i) {
      const std::string problem = GlobProblem(globs[i]);
      if (!problem.empty()) return fields.Error(items[i], fmt::format("pattern '{}' {}", globs[i], problem));
      if (!exclusions && globs[i][0] == '!') {
        return fields.Error(items[i], fmt::format("'{}' takes no \"!\" patterns", key));
      }
    }
    return globs;
  }

  absl::Status ReadRunner(const YamlFields& target) {
    if (!target.Has("runner")) return absl::OkStatus();
    ASSIGN_OR_RETURN(const YamlFields fields, YamlFields::Open(target.Get("runner"), file_, "a runner",
                                                               {"runtime", "program", "env", "directories", "flags"}));
    RunnerSpec runner;
    const std::string usual = target_.toolchain == "emscripten" ? "node" : target_.toolchain;
    ASSIGN_OR_RETURN(runner.runtime, fields.Text("runtime", usual));
    const std::vector<std::string> runtimes = {"wasi", "node", "native"};
    if (std::find(runtimes.begin(), runtimes.end(), runner.runtime) == runtimes.end()) {
      return fields.Error(fields.Get("runtime"),
                          fmt::format("unknown runtime '{}'{} (known: {})", runner.runtime,
                                      DidYouMean(runner.runtime, runtimes), fmt::join(runtimes, ", ")));
    }
    ASSIGN_OR_RETURN(runner.program, fields.Text("program"));
    const std::string problem = RelativePathProblem(runner.program);
    if (!problem.empty()) return fields.Error(fields.Get("program"), fmt::format("'program' {}", problem));
    ASSIGN_OR_RETURN(runner.env, ReadEnv(fields));
    ASSIGN_OR_RETURN(runner.directories, fields.TextMap("directories"));
    ASSIGN_OR_RETURN(const auto pairs, fields.Pairs("directories"));
    for (const auto& [guest, host] : pairs) {
      RETURN_IF_ERROR(CheckVariables(host, host.Scalar()));
      const std::string host_problem = RelativePathProblem(host.Scalar());
      if (!host_problem.empty()) return fields.Error(host, fmt::format("folder '{}' {}", host.Scalar(), host_problem));
    }
    RETURN_IF_ERROR(ReadNodeFlags(fields, runner));
    target_.runner = std::move(runner);
    return absl::OkStatus();
  }

  static absl::Status ReadNodeFlags(const YamlFields& fields, RunnerSpec& runner) {
    ASSIGN_OR_RETURN(const std::vector<YAML::Node> items, fields.Items("flags"));
    ASSIGN_OR_RETURN(runner.flags, fields.Texts("flags"));
    if (!items.empty() && runner.runtime != "node") {
      return fields.Error(fields.Get("flags"), "'flags' are node's; this runner's runtime is another one");
    }
    const std::vector<std::string>& known = KnownNodeFlags();
    for (size_t i = 0; i < items.size(); ++i) {
      if (std::find(known.begin(), known.end(), runner.flags[i]) != known.end()) continue;
      return fields.Error(items[i], fmt::format("unknown flag '{}'{} (known: {})", runner.flags[i],
                                                DidYouMean(runner.flags[i], known), fmt::join(known, ", ")));
    }
    return absl::OkStatus();
  }

  std::string file_;
  TargetTemplate target_;
  bool has_runner_ = false;
  bool in_action_ = false;
};

}  // namespace

absl::StatusOr<TargetTemplate> ReadTarget(std::string_view file_name, const YAML::Node& name, const YAML::Node& node) {
  return TargetReader(file_name).Read(name, node);
}

}  // namespace wasmagent::pipeline
