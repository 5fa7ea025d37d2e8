#include "agent/pipeline/target_file.h"

#include <algorithm>
#include <functional>
#include <set>

#include "agent/pipeline/nearest_name.h"
#include "agent/pipeline/target_reader.h"
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
    ASSIGN_OR_RETURN(TargetTemplate target, ReadTarget(file_name, name, node));
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
