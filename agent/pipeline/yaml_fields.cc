#include "agent/pipeline/yaml_fields.h"

#include <charconv>
#include <set>

#include "agent/pipeline/nearest_name.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "platform/status.h"
#include "yaml-cpp/yaml.h"

namespace wasmagent::pipeline {

absl::Status YamlError(std::string_view file, const YAML::Mark& mark, std::string_view message) {
  // yaml-cpp counts from 0 and has -1 for "nowhere".
  if (mark.is_null()) return absl::InvalidArgumentError(fmt::format("{}: {}", file, message));
  return absl::InvalidArgumentError(fmt::format("{}:{}:{}: {}", file, mark.line + 1, mark.column + 1, message));
}

absl::StatusOr<YamlFields> YamlFields::Open(const YAML::Node& node, std::string_view file, std::string_view what,
                                            const std::vector<std::string>& known) {
  YamlFields fields(node, file, what);
  ASSIGN_OR_RETURN(const auto pairs, fields.PairsOf(node, what));
  for (const auto& [key, value] : pairs) {
    bool is_known = false;
    for (const std::string& name : known) is_known = is_known || name == key.Scalar();
    if (!is_known) {
      return fields.Error(key, fmt::format("unknown key '{}' in {}{} (known: {})", key.Scalar(), what,
                                           DidYouMean(key.Scalar(), known), fmt::join(known, ", ")));
    }
    fields.fields_.emplace(key.Scalar(), value);
  }
  return fields;
}

YAML::Node YamlFields::Get(const std::string& key) const {
  const auto found = fields_.find(key);
  return found == fields_.end() ? node_ : found->second;
}

absl::Status YamlFields::Error(const YAML::Node& at, std::string_view message) const {
  return YamlError(file_, at.Mark(), message);
}

absl::StatusOr<std::string> YamlFields::Scalar(const YAML::Node& node, std::string_view what) const {
  if (node.IsScalar()) {
    if (node.Scalar().find('\0') != std::string::npos) return Error(node, fmt::format("{} has a NUL byte", what));
    return node.Scalar();
  }
  if (node.IsNull()) return Error(node, fmt::format("{} has no value; write \"\" for an empty text", what));
  return Error(node, fmt::format("{} must be a text, not a {}", what, node.IsMap() ? "mapping" : "list"));
}

absl::StatusOr<std::vector<std::pair<YAML::Node, YAML::Node>>> YamlFields::PairsOf(const YAML::Node& node,
                                                                                   std::string_view what) const {
  if (!node.IsMap()) return Error(node, fmt::format("{} must be a mapping (key: value)", what));
  std::vector<std::pair<YAML::Node, YAML::Node>> pairs;
  std::set<std::string> seen;
  for (const auto& pair : node) {
    ASSIGN_OR_RETURN(const std::string key, Scalar(pair.first, fmt::format("a key of {}", what)));
    if (!seen.insert(key).second) return Error(pair.first, fmt::format("'{}' stands twice in {}", key, what));
    pairs.emplace_back(pair.first, pair.second);
  }
  return pairs;
}

absl::StatusOr<std::string> YamlFields::Text(const std::string& key) const {
  if (!Has(key)) return Error(node_, fmt::format("{} needs '{}'", what_, key));
  ASSIGN_OR_RETURN(std::string text, Scalar(Get(key), fmt::format("'{}'", key)));
  if (text.empty()) return Error(Get(key), fmt::format("'{}' is empty", key));
  return text;
}

absl::StatusOr<std::string> YamlFields::Text(const std::string& key, const std::string& otherwise) const {
  if (!Has(key)) return otherwise;
  return Scalar(Get(key), fmt::format("'{}'", key));
}

absl::StatusOr<int> YamlFields::Number(const std::string& key, int minimum, int otherwise) const {
  if (!Has(key)) return otherwise;
  ASSIGN_OR_RETURN(const std::string text, Scalar(Get(key), fmt::format("'{}'", key)));
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < minimum) {
    return Error(Get(key), fmt::format("'{}' must be a whole number of at least {}, not '{}'", key, minimum, text));
  }
  return value;
}

absl::StatusOr<std::vector<YAML::Node>> YamlFields::Items(const std::string& key) const {
  std::vector<YAML::Node> items;
  if (!Has(key)) return items;
  const YAML::Node node = Get(key);
  if (!node.IsSequence()) {
    return Error(node, fmt::format("'{}' must be a list ([a, b], or lines that start with \"- \")", key));
  }
  for (const auto& item : node) items.push_back(item);
  return items;
}

absl::StatusOr<std::vector<std::string>> YamlFields::Texts(const std::string& key) const {
  ASSIGN_OR_RETURN(const std::vector<YAML::Node> items, Items(key));
  std::vector<std::string> texts;
  for (const YAML::Node& item : items) {
    ASSIGN_OR_RETURN(std::string text, Scalar(item, fmt::format("an item of '{}'", key)));
    texts.push_back(std::move(text));
  }
  return texts;
}

absl::StatusOr<std::vector<std::pair<YAML::Node, YAML::Node>>> YamlFields::Pairs(const std::string& key) const {
  if (!Has(key)) return std::vector<std::pair<YAML::Node, YAML::Node>>();
  return PairsOf(Get(key), fmt::format("'{}'", key));
}

absl::StatusOr<std::map<std::string, std::string>> YamlFields::TextMap(const std::string& key) const {
  ASSIGN_OR_RETURN(const auto pairs, Pairs(key));
  std::map<std::string, std::string> map;
  for (const auto& [name, value] : pairs) {
    ASSIGN_OR_RETURN(map[name.Scalar()], Scalar(value, fmt::format("'{}' in '{}'", name.Scalar(), key)));
  }
  return map;
}

absl::StatusOr<std::vector<YAML::Node>> LoadYamlTable(std::string_view text, std::string_view file,
                                                      const std::string& key) {
  YAML::Node document;
  try {
    document = YAML::Load(std::string(text));
  } catch (const YAML::Exception& error) {
    return YamlError(file, error.mark, error.msg);
  }
  ASSIGN_OR_RETURN(const YamlFields fields, YamlFields::Open(document, file, "the table", {"version", key}));
  ASSIGN_OR_RETURN(const int version, fields.Number("version", 1, 0));
  if (version != 1) return fields.Error(fields.Get("version"), "'version' must be 1");
  return fields.Items(key);
}

}  // namespace wasmagent::pipeline
