#include "agent/pipeline/target_file.h"

#include <algorithm>
#include <functional>
#include <set>

#include "agent/pipeline/glob.h"
#include "agent/pipeline/nearest_name.h"
#include "agent/pipeline/paths.h"
#include "agent/pipeline/template_text.h"
#include "agent/pipeline/yaml_fields.h"
#include "content/utf8.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {
namespace {

// A target file is a page or two; this keeps a mistaken upload from being parsed.
constexpr size_t kMaximumBytes = 1 << 20;

const std::vector<std::string>& VariableNames() {
  static const auto* names = new std::vector<std::string>{"src",    "abs_src", "build",      "jobs",        "sdk",
                                                          "ccache", "triplet", "hostrunner", "need:TARGET", "env:NAME"};
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
                                      {"description", "toolchain", "needs", "build_dir", "env", "steps", "inputs",
                                       "artifacts", "runner", "minimum_sdk", "refused_sdks"}));
    ASSIGN_OR_RETURN(target_.description, fields.Text("description", ""));
    RETURN_IF_ERROR(ReadToolchain(fields));
    has_runner_ = fields.Has("runner");
    ASSIGN_OR_RETURN(target_.needs, fields.Texts("needs"));
    ASSIGN_OR_RETURN(target_.build_directory, fields.Text("build_dir", "builddir/" + target_.name));
    const std::string problem = RelativePathProblem(target_.build_directory);
    if (!problem.empty()) return fields.Error(fields.Get("build_dir"), fmt::format("'build_dir' {}", problem));
    target_.build_directory = NormalPath(target_.build_directory);
    ASSIGN_OR_RETURN(target_.env, ReadEnv(fields));
    RETURN_IF_ERROR(ReadSteps(fields));
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

  absl::Status ReadToolchain(const YamlFields& fields) {
    ASSIGN_OR_RETURN(target_.toolchain, fields.Text("toolchain"));
    if (target_.toolchain != "wasi" && target_.toolchain != "native") {
      return fields.Error(fields.Get("toolchain"),
                          fmt::format("unknown toolchain '{}'{} (known: wasi, native)", target_.toolchain,
                                      DidYouMean(target_.toolchain, {"wasi", "native"})));
    }
    ASSIGN_OR_RETURN(target_.minimum_sdk, fields.Number("minimum_sdk", 1, 0));
    ASSIGN_OR_RETURN(const auto refused, fields.Pairs("refused_sdks"));
    for (const auto& [version, reason] : refused) {
      int major = 0;
      if (!YAML::convert<int>::decode(version, major) || major < 1 || !reason.IsScalar()) {
        return fields.Error(version, "'refused_sdks' maps major versions of the WASI SDK to the reason: 26: \"…\"");
      }
      target_.refused_sdks[major] = reason.Scalar();
    }
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
      if (key == "sdk" && target_.toolchain == "native") {
        problem = "${sdk} is for WebAssembly toolchains; this target's is native";
        return std::nullopt;
      }
      if (std::find(known.begin(), known.end(), key) != known.end()) return "";
      problem =
          fmt::format("unknown variable ${{{}}}{} (known: {})", key, DidYouMean(key, known), fmt::join(known, ", "));
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

  absl::Status ReadSteps(const YamlFields& fields) {
    ASSIGN_OR_RETURN(const std::vector<YAML::Node> items, fields.Items("steps"));
    if (items.empty()) {
      return fields.Error(fields.Get("steps"), fmt::format("target '{}' needs 'steps', at least one", target_.name));
    }
    for (const YAML::Node& item : items) {
      ASSIGN_OR_RETURN(StepTemplate step, ReadStep(item));
      for (const StepTemplate& other : target_.steps) {
        if (other.name != step.name) continue;
        return YamlError(file_, item.Mark(),
                         fmt::format("two steps of target '{}' are named '{}'", target_.name, step.name));
      }
      target_.steps.push_back(std::move(step));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<StepTemplate> ReadStep(const YAML::Node& node) const {
    ASSIGN_OR_RETURN(const YamlFields fields,
                     YamlFields::Open(node, file_, fmt::format("a step of target '{}'", target_.name),
                                      {"name", "kind", "argv", "env", "directory"}));
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
                                                               {"runtime", "program", "env", "directories"}));
    RunnerSpec runner;
    ASSIGN_OR_RETURN(runner.runtime, fields.Text("runtime", target_.toolchain));
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
    target_.runner = std::move(runner);
    return absl::OkStatus();
  }

  std::string file_;
  TargetTemplate target_;
  bool has_runner_ = false;
};

const TargetTemplate* Find(const TargetFile& file, const std::string& name) {
  for (const TargetTemplate& target : file.targets) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

std::vector<std::string> Names(const TargetFile& file) {
  std::vector<std::string> names;
  for (const TargetTemplate& target : file.targets) names.push_back(target.name);
  return names;
}

// Needs that are not there or come back to themselves. `nodes` are the targets' places in the file, in the same order.
absl::Status CheckNeeds(const TargetFile& file, const std::vector<YAML::Node>& nodes, std::string_view file_name) {
  std::vector<std::string> path;
  std::set<std::string> done;
  const std::function<std::string(const TargetTemplate&)> cycle = [&](const TargetTemplate& target) -> std::string {
    if (done.count(target.name) > 0) return "";
    const auto seen = std::find(path.begin(), path.end(), target.name);
    if (seen != path.end()) return fmt::format("{} → {}", fmt::join(seen, path.end(), " → "), target.name);
    path.push_back(target.name);
    for (const std::string& need : target.needs) {
      std::string ring = cycle(*Find(file, need));
      if (!ring.empty()) return ring;
    }
    path.pop_back();
    done.insert(target.name);
    return "";
  };
  for (size_t i = 0; i < file.targets.size(); ++i) {
    const TargetTemplate& target = file.targets[i];
    for (const std::string& need : target.needs) {
      if (Find(file, need) != nullptr) continue;
      return YamlError(file_name, nodes[i]["needs"].Mark(),
                       fmt::format("target '{}' needs '{}', which is not a target{}", target.name, need,
                                   DidYouMean(need, Names(file))));
    }
  }
  for (size_t i = 0; i < file.targets.size(); ++i) {
    const std::string ring = cycle(file.targets[i]);
    if (!ring.empty())
      return YamlError(file_name, nodes[i]["needs"].Mark(), fmt::format("needs go in a circle: {}", ring));
  }
  return absl::OkStatus();
}

// A line by number, counted from 0; the last one for a number beyond the end.
std::string_view LineAt(std::string_view text, int line) {
  for (; line > 0; --line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

absl::StatusOr<TargetFile> ReadFileNode(const YAML::Node& root, std::string_view file_name) {
  ASSIGN_OR_RETURN(const YamlFields fields, YamlFields::Open(root, file_name, "a target file", {"version", "targets"}));
  if (!fields.Has("version")) return fields.Error(root, "the file needs 'version: 1'");
  ASSIGN_OR_RETURN(const int version, fields.Number("version", 1, 1));
  if (version != 1) {
    return fields.Error(fields.Get("version"),
                        fmt::format("version {} is not known to this agent, which reads version 1", version));
  }
  ASSIGN_OR_RETURN(const auto pairs, fields.Pairs("targets"));
  if (pairs.empty()) return fields.Error(fields.Get("targets"), "the file needs 'targets', at least one");
  TargetFile file;
  std::vector<YAML::Node> nodes;
  for (const auto& [name, node] : pairs) {
    ASSIGN_OR_RETURN(TargetTemplate target, TargetReader(file_name).Read(name, node));
    file.targets.push_back(std::move(target));
    nodes.push_back(node);
  }
  RETURN_IF_ERROR(CheckNeeds(file, nodes, file_name));
  return file;
}

}  // namespace

absl::StatusOr<TargetFile> ParseTargetFile(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaximumBytes) {
    return absl::InvalidArgumentError(fmt::format("{}: larger than {} bytes", file_name, kMaximumBytes));
  }
  // What is read here goes into messages, which hold no other text.
  if (size_t valid = content::Utf8Prefix(text); valid < text.size()) {
    auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(valid), '\n') + 1;
    return absl::InvalidArgumentError(fmt::format("{}:{}: a byte that is not UTF-8", file_name, line));
  }
  // yaml-cpp throws; nothing of that leaves this function.
  try {
    const YAML::Node root = YAML::Load(std::string(text));
    return ReadFileNode(root, file_name);
  } catch (const YAML::Exception& error) {
    // The usual cause: "[a, ${b}]" is YAML's own use of braces.
    const bool braces = LineAt(text, error.mark.line).find("${") != std::string_view::npos;
    return YamlError(file_name, error.mark,
                     error.msg + (braces ? "; inside [ ] and { }, texts with ${…} need quotes: \"${src}\"" : ""));
  }
}

absl::StatusOr<std::vector<const TargetTemplate*>> OrderTargets(const TargetFile& file,
                                                                const std::vector<std::string>& wanted) {
  std::vector<const TargetTemplate*> order;
  const std::function<void(const TargetTemplate*)> add = [&](const TargetTemplate* target) {
    if (std::find(order.begin(), order.end(), target) != order.end()) return;
    for (const std::string& need : target->needs) add(Find(file, need));
    order.push_back(target);
  };
  for (const std::string& name : wanted) {
    const TargetTemplate* target = Find(file, name);
    if (target == nullptr) {
      return absl::InvalidArgumentError(fmt::format("there is no target '{}'{} (targets: {})", name,
                                                    DidYouMean(name, Names(file)), fmt::join(Names(file), ", ")));
    }
    add(target);
  }
  return order;
}

}  // namespace wasmagent::pipeline
