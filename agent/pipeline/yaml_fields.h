// Fields of a YAML mapping, read strictly: every mistake with file, line and column.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "yaml-cpp/node/node.h"

namespace wasmagent::pipeline {

// INVALID_ARGUMENT "<file>:<line>:<column>: <message>" for a place in a YAML file.
absl::Status YamlError(std::string_view file, const YAML::Mark& mark, std::string_view message);

// One mapping of a YAML file, its keys checked against those that are known. Cheap to copy: nodes are shared.
class YamlFields {
 public:
  // Fails when `node` is no mapping, and for a key that is not in `known` or stands twice. `what` names the mapping in
  // messages
  // ("a target").
  static absl::StatusOr<YamlFields> Open(const YAML::Node& node, std::string_view file, std::string_view what,
                                         const std::vector<std::string>& known);

  bool Has(const std::string& key) const { return fields_.count(key) > 0; }
  // The key's value; the mapping itself when it is not there, so that an error has a place.
  YAML::Node Get(const std::string& key) const;
  absl::Status Error(const YAML::Node& at, std::string_view message) const;

  // A text; without a default the key must be there and not empty.
  absl::StatusOr<std::string> Text(const std::string& key) const;
  absl::StatusOr<std::string> Text(const std::string& key, const std::string& otherwise) const;
  // A whole number of at least `minimum`, or `otherwise` when the key is not there.
  absl::StatusOr<int> Number(const std::string& key, int minimum, int otherwise) const;
  // A list of texts, empty when the key is not there.
  absl::StatusOr<std::vector<std::string>> Texts(const std::string& key) const;
  // A mapping from text to text, empty when the key is not there.
  absl::StatusOr<std::map<std::string, std::string>> TextMap(const std::string& key) const;
  // The items of a list, empty when the key is not there.
  absl::StatusOr<std::vector<YAML::Node>> Items(const std::string& key) const;
  // The pairs of a mapping in the order of the file, each key once; empty when the key is not there.
  absl::StatusOr<std::vector<std::pair<YAML::Node, YAML::Node>>> Pairs(const std::string& key) const;

 private:
  YamlFields(const YAML::Node& node, std::string_view file, std::string_view what)
      : node_(node), file_(file), what_(what) {}
  absl::StatusOr<std::string> Scalar(const YAML::Node& node, std::string_view what) const;
  absl::StatusOr<std::vector<std::pair<YAML::Node, YAML::Node>>> PairsOf(const YAML::Node& node,
                                                                         std::string_view what) const;

  YAML::Node node_;
  std::string file_;
  std::string what_;
  std::map<std::string, YAML::Node> fields_;
};

// The items of a table of the agent's own: "version: 1", and a list under `key`. Errors as YamlFields'; yaml-cpp's
// exceptions end here.
absl::StatusOr<std::vector<YAML::Node>> LoadYamlTable(std::string_view text, std::string_view file,
                                                      const std::string& key);

}  // namespace wasmagent::pipeline
