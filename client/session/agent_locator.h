// Finding an agent for a checkout.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/session/agent_address.h"
#include "client/session/container_agent.h"
#include "client/session/embedded_agent.h"
#include "client/session/user_folders.h"

namespace wasmagent::client {

// Values of --agent and WASMCTL_AGENT that name a kind of agent instead of an address.
inline constexpr char kEmbedded[] = "embedded";
inline constexpr char kContainer[] = "container";

// What the search may use; values only.
struct LocatorInput {
  std::string flag;             // --agent; empty when not given
  std::string environment;      // WASMCTL_AGENT; empty when not set
  std::string configured;       // `agent` of the config file; empty when not set
  std::string context;          // name of the current context; empty when there is none
  std::string context_address;  // its address
  std::string checkout;         // canonical path; empty for commands that need none
  std::string checkout_id;
  std::string image;   // empty for the default
  std::string engine;  // empty for whichever works
  UserFolders folders;
  // Where an agent of the machine listens.
  std::vector<std::string> system_sockets = {"/run/wasmagent/agent.sock", "/var/lib/wasmagent/agent.sock"};
  // The wasmagent program for an embedded agent; empty looks for it.
  std::string embedded_program;
  // False starts nothing that was not asked for by name: for commands that a fresh agent could tell nothing.
  bool may_start = true;
};

// Looks in this order: flag, environment, config file, context, sockets of agents that run (the user's, the machine's,
// the checkout's container, the embedded one), then starts a container where an engine has the image, then an embedded
// agent. An address that was given is taken as it is and not tried. Sockets cost one connect() each; only starting
// costs more. The error of a search that found nothing is UNAVAILABLE and lists what was tried and what to do.
absl::StatusOr<AgentAddress> LocateAgent(const LocatorInput& input);

// Starts the checkout's container, or the user's embedded agent, unless it runs. UNAVAILABLE with the reason when it
// cannot be started.
absl::StatusOr<AgentAddress> StartAgent(const LocatorInput& input, bool embedded);

// The agents that `input` describes, for `agent up|down|status`.
ContainerAgent ContainerAgentFor(const LocatorInput& input);
EmbeddedAgent EmbeddedAgentFor(const LocatorInput& input);

}  // namespace wasmagent::client
