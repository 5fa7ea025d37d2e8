// wasmctl's configuration file.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "wasmagent/config/v1/client_config.pb.h"

namespace wasmagent::client {

// $XDG_CONFIG_HOME/wasmctl/config.yaml, else ~/.config/wasmctl/config.yaml.
absl::StatusOr<std::string> ConfigPath();

// An absent file is an empty configuration. INVALID_ARGUMENT with file, line and column for a mistake.
absl::StatusOr<wasmagent::config::v1::ClientConfig> LoadConfig();
absl::Status SaveConfig(const wasmagent::config::v1::ClientConfig& config);

}  // namespace wasmagent::client
