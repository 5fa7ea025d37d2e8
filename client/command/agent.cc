// agent up, down, status: an agent of this machine.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/watch_loop.h"
#include "client/session/container_agent.h"
#include "client/session/embedded_agent.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

CommandResult Up(const CommandContext& context, bool embedded) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  LocatorInput input = context.Locator(checkout);
  ASSIGN_OR_RETURN(AgentAddress address, StartAgent(input, embedded));
  std::fprintf(stderr, "wasmctl: %s\n", address.description.c_str());
  std::printf("%s\n", address.address.c_str());
  return kSucceeded;
}

// The container is the checkout's own; the embedded agent serves all checkouts of the user, and goes on unless it is
// meant.
CommandResult Down(const CommandContext& context, bool embedded) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  LocatorInput input = context.Locator(checkout);
  if (embedded) {
    RETURN_IF_ERROR_CTX(EmbeddedAgentFor(input).Stop(), "stop the embedded agent");
    return kSucceeded;
  }
  ContainerAgent container = ContainerAgentFor(input);
  // Without an engine there is no container.
  if (container.FindEngine().ok()) RETURN_IF_ERROR_CTX(container.Stop(), "stop the agent's container");
  if (auto other = EmbeddedAgentFor(input).State(); other.ok() && other->running) {
    std::fprintf(stderr,
                 "wasmctl: your embedded agent, which serves other checkouts too, goes on\n"
                 "  try: wasmctl agent down --embedded\n");
  }
  return kSucceeded;
}

CommandResult Status(const CommandContext& context) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  LocatorInput input = context.Locator(checkout);
  bool any = false;
  auto print = [&any](const char* kind, const absl::StatusOr<AgentState>& state) {
    if (!state.ok()) {
      fmt::print("{:<10} {}\n", kind, std::string(state.status().message()));
      return;
    }
    any |= state->running;
    fmt::print("{:<10} {} {}; {}\n", kind, state->running ? "running at" : "not running; would listen at",
               state->address, state->detail);
  };
  print("container", ContainerAgentFor(input).State());
  print("embedded", EmbeddedAgentFor(input).State());
  return any ? kSucceeded : kBuildFailed;
}

}  // namespace

void AddAgent(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("agent", "Start and stop an agent of this machine");
  command->require_subcommand(1);
  auto add = [&](const char* name, const char* help, std::function<CommandResult()> action) {
    CLI::App* verb = command->add_subcommand(name, help);
    verb->add_option("--checkout", context.checkout_directory,
                     "Folder of the checkout (default: found from here upwards)");
    verb->callback([&context, action] {
      context.action = [action] {
        UnblockWatchSignals();
        return action();
      };
    });
    return verb;
  };
  // Flags live as long as the command line's actions.
  auto up_embedded = std::make_shared<bool>(false), down_embedded = std::make_shared<bool>(false);
  add("up", "Start the checkout's agent in a container; it sees the checkout read-only", [&context, up_embedded] {
    return Up(context, *up_embedded);
  })->add_flag("--embedded", *up_embedded, "Without a container");
  add("down", "Stop the checkout's container", [&context, down_embedded] {
    return Down(context, *down_embedded);
  })->add_flag("--embedded", *down_embedded, "Stop your embedded agent instead");
  add("status", "Tell whether the checkout's agent runs", [&context] { return Status(context); });
}

}  // namespace wasmagent::client
