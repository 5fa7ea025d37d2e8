// What this machine has for builds: what an agent looks for, and `wasmagent probe`, which prints it.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "agent/pipeline/toolchain.h"
#include "wasmagent/config/v1/agent_config.pb.h"

namespace wasmagent::agent {

// PATH, or what the system's shells take without one.
std::string SearchPath();

// Where an agent with this configuration looks for toolchains and runtimes.
pipeline::ProbeOptions ProbeOptionsOf(const config::v1::AgentConfig& config);

// Looks for toolchains and runtimes as an agent with this configuration would, and prints a GetAgentInfoResponse as
// JSON on stdout: for `wasmctl doctor`, and for a look at an image. Like an agent, it may lay out the distribution's
// clang as an SDK below the state directory; nothing else is written, and no agent is disturbed.
absl::Status PrintProbe(const config::v1::AgentConfig& config);

}  // namespace wasmagent::agent
