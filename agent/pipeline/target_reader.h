// One target of a target file.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "agent/pipeline/target_file.h"
#include "yaml-cpp/node/node.h"

namespace wasmagent::pipeline {

// Reads the target that `name` and `node`, a key and its value, describe. INVALID_ARGUMENT as ParseTargetFile. That its
// needs are targets is for the file's reader to check.
absl::StatusOr<TargetTemplate> ReadTarget(std::string_view file_name, const YAML::Node& name, const YAML::Node& node);

}  // namespace wasmagent::pipeline
