// The agent's configuration: file and flags into one message, checked before anything is started.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wasmagent/config/v1/agent_config.pb.h"

namespace wasmagent::agent {

// What the command line asks for.
struct Invocation {
  enum class Action { kServe, kPrintConfig, kProbe, kDressSdk };
  Action action = Action::kServe;
  config::v1::AgentConfig config;  // file, then flags, then defaults
  std::string dress_destination;
};

// Reads argv. An exit code instead of an Invocation means that everything has been said (--help, --version, a wrong
// flag).
struct ParsedCommandLine {
  int exit_code = -1;  // -1: go on
  Invocation invocation;
};
absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, char** argv);

// Puts a default in every field that is not set; see agent_config.proto.
void FillDefaults(config::v1::AgentConfig& config);

// INVALID_ARGUMENT, naming the field, for values that cannot be right.
absl::Status CheckConfig(const config::v1::AgentConfig& config);

}  // namespace wasmagent::agent
