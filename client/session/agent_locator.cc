#include "client/session/agent_locator.h"

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Whatever keeps an agent from starting, it is not to be had; a mistake in what was asked for stays one.
absl::StatusOr<AgentAddress> Started(absl::StatusOr<AgentAddress> address) {
  if (address.ok() || absl::IsInvalidArgument(address.status())) return address;
  return absl::UnavailableError(address.status().message());
}

// An address that somebody gave, and where: taken as it is, so that a wrong one is an error and never another agent.
absl::StatusOr<AgentAddress> Given(const LocatorInput& input, const std::string& value, const std::string& source) {
  if (value == kEmbedded) {
    ASSIGN_OR_RETURN_CTX(auto address, StartAgent(input, /*embedded=*/true), source);
    address.description += fmt::format(", from {}", source);
    return address;
  }
  if (value == kContainer) {
    ASSIGN_OR_RETURN_CTX(auto address, StartAgent(input, /*embedded=*/false), source);
    address.description += fmt::format(", from {}", source);
    return address;
  }
  RETURN_IF_ERROR_CTX(CheckAddress(value), source);
  return AgentAddress{value, fmt::format("agent at {}, from {}", value, source), ""};
}

// Tries what runs already and then what can be started; remembers what was tried.
class Search {
 public:
  explicit Search(const LocatorInput& input) : input_(input) {}

  absl::StatusOr<AgentAddress> Run() {
    const bool found = TrySockets() || TryContainer() || TryEmbedded();
    RETURN_IF_ERROR(refused_);
    if (found) return found_;
    std::string advice =
        input_.may_start
            ? "'./dev image' builds the agent's image and 'wasmctl agent up' starts it; or name an agent with --agent, "
              "WASMCTL_AGENT or 'wasmctl context add'"
            : "'wasmctl agent up' starts one; or name one with --agent, WASMCTL_AGENT or 'wasmctl context add'";
    return absl::UnavailableError(fmt::format("no agent was found. Tried:{}\n{}", tried_, advice));
  }

 private:
  void Note(const std::string& what, const absl::Status& status) {
    tried_ += fmt::format("\n  {}: {}", what, std::string(status.message()));
  }

  bool TrySocket(const std::string& path, const std::string& kind, const std::string& bind_root_hint) {
    absl::Status answer = ProbeSocket(path);
    if (answer.ok()) {
      found_ = {"unix:" + path, fmt::format("{} at unix:{}", kind, path), bind_root_hint};
      return true;
    }
    std::string what = absl::IsNotFound(answer) ? "no such socket" : std::string(answer.message());
    tried_ += fmt::format("\n  {} {}: {}", kind, path, what);
    return false;
  }

  bool TrySockets() {
    const UserFolders& folders = input_.folders;
    if (!folders.runtime.empty() && TrySocket(folders.runtime + "/wasmagent/agent.sock", "local agent", ""))
      return true;
    // Where a wasmagent that was started by hand listens.
    if (TrySocket(folders.cache + "/wasmagent/agent.sock", "local agent", "")) return true;
    for (const std::string& path : input_.system_sockets) {
      if (TrySocket(path, "the machine's agent", "")) return true;
    }
    if (!input_.checkout_id.empty()) {
      const ContainerAgent container = ContainerAgentFor(input_);
      if (TrySocket(container.SocketPath(), "the checkout's container", input_.checkout)) {
        refused_ = container.CheckStarted();
        return true;
      }
    }
    return TrySocket(EmbeddedAgentFor(input_).SocketPath(), "embedded agent", "");
  }

  bool TryContainer() {
    if (!input_.may_start || input_.checkout.empty() || input_.checkout_id.empty()) return false;
    return Take("container engine", ContainerAgentFor(input_).EnsureRunning());
  }

  bool TryEmbedded() {
    if (!input_.may_start) return false;
    return Take("embedded agent", EmbeddedAgentFor(input_).EnsureRunning());
  }

  bool Take(const std::string& what, absl::StatusOr<AgentAddress> address) {
    if (address.ok()) found_ = *std::move(address);
    if (!address.ok()) Note(what, address.status());
    return address.ok();
  }

  const LocatorInput& input_;
  AgentAddress found_;
  absl::Status refused_;  // what was found is not what was asked for
  std::string tried_;
};

}  // namespace

ContainerAgent ContainerAgentFor(const LocatorInput& input) {
  ContainerAgentOptions options = ContainerAgentOptions::ForCaller();
  options.folders = input.folders;
  options.checkout = input.checkout;
  options.checkout_id = input.checkout_id;
  options.image = input.image;
  options.engine = input.engine;
  return ContainerAgent(options);
}

EmbeddedAgent EmbeddedAgentFor(const LocatorInput& input) {
  EmbeddedAgentOptions options;
  options.folders = input.folders;
  options.checkout = input.checkout;
  options.program = input.embedded_program;
  return EmbeddedAgent(options);
}

absl::StatusOr<AgentAddress> StartAgent(const LocatorInput& input, bool embedded) {
  return Started(embedded ? EmbeddedAgentFor(input).EnsureRunning() : ContainerAgentFor(input).EnsureRunning());
}

absl::StatusOr<AgentAddress> LocateAgent(const LocatorInput& input) {
  if (!input.flag.empty()) return Given(input, input.flag, "--agent");
  if (!input.environment.empty()) return Given(input, input.environment, "WASMCTL_AGENT");
  if (!input.configured.empty()) return Given(input, input.configured, "the configuration's 'agent'");
  if (!input.context_address.empty())
    return Given(input, input.context_address, fmt::format("context '{}'", input.context));
  // Another agent than the one that was meant would be worse than none.
  if (!input.context.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "the configuration uses context '{}', which it does not have\n  try: wasmctl context list", input.context));
  }
  return Search(input).Run();
}

}  // namespace wasmagent::client
