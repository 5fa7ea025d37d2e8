// `wasmagent probe`: what this machine has for builds, without an agent.
#pragma once

#include "absl/status/status.h"
#include "wasmagent/config/v1/agent_config.pb.h"

namespace wasmagent::agent {

// Looks for toolchains and runtimes as an agent with this configuration would, and prints a GetAgentInfoResponse as
// JSON on stdout: for `wasmctl doctor`, and for a look at an image. Like an agent, it may lay out the distribution's
// clang as an SDK below the state directory; nothing else is written, and no agent is disturbed.
absl::Status PrintProbe(const config::v1::AgentConfig& config);

}  // namespace wasmagent::agent
