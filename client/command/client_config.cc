#include "client/command/client_config.h"

#include <cstdlib>

#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"
#include "proto/yaml_config.h"

namespace wasmagent::client {

absl::StatusOr<std::string> ConfigPath() {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  if (xdg != nullptr && xdg[0] == '/') return std::string(xdg) + "/wasmctl/config.yaml";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.config/wasmctl/config.yaml";
  return absl::FailedPreconditionError("neither XDG_CONFIG_HOME nor HOME is set: no place for the configuration");
}

absl::StatusOr<wasmagent::config::v1::ClientConfig> LoadConfig() {
  wasmagent::config::v1::ClientConfig config;
  auto path = ConfigPath();
  if (!path.ok()) return config;
  auto text = platform::ReadFile(*path, 1 << 20);
  if (absl::IsNotFound(text.status())) return config;
  RETURN_IF_ERROR(text.status());
  RETURN_IF_ERROR(config::FillFromYaml(*path, *text, &config));
  return config;
}

absl::Status SaveConfig(const wasmagent::config::v1::ClientConfig& config) {
  ASSIGN_OR_RETURN(std::string path, ConfigPath());
  RETURN_IF_ERROR(platform::MakeDirectories(path.substr(0, path.rfind('/')), 0700));
  return platform::WriteFileAtomically(path, config::ToYaml(config), 0600);
}

}  // namespace wasmagent::client
