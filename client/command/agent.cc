// agent up, down, status: an agent of this machine. context: names for agents.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/client_config.h"
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
  ASSIGN_OR_RETURN(AgentAddress address,
                   embedded ? EmbeddedAgentFor(input).EnsureRunning() : ContainerAgentFor(input).EnsureRunning());
  std::fprintf(stderr, "wasmctl: %s\n", address.description.c_str());
  std::printf("%s\n", address.address.c_str());
  return kSucceeded;
}

CommandResult Down(const CommandContext& context) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  LocatorInput input = context.Locator(checkout);
  RETURN_IF_ERROR_CTX(EmbeddedAgentFor(input).Stop(), "stop the embedded agent");
  ContainerAgent container = ContainerAgentFor(input);
  // Without an engine there is no container.
  if (container.FindEngine().ok()) RETURN_IF_ERROR_CTX(container.Stop(), "stop the agent's container");
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

wasmagent::config::v1::ClientConfig::Context* FindContext(wasmagent::config::v1::ClientConfig& config,
                                                          const std::string& name) {
  for (auto& context : *config.mutable_contexts()) {
    if (context.name() == name) return &context;
  }
  return nullptr;
}

CommandResult ChangeContexts(const std::string& verb, const std::string& name, const std::string& address) {
  ASSIGN_OR_RETURN(auto config, LoadConfig());
  auto* found = FindContext(config, name);
  if (verb == "add") {
    if (found == nullptr) found = config.add_contexts();
    found->set_name(name);
    found->set_agent(address);
  } else if (found == nullptr) {
    return absl::NotFoundError(fmt::format("there is no context '{}'\n  try: wasmctl context list", name));
  } else if (verb == "use") {
    config.set_current_context(name);
  } else {
    config.mutable_contexts()->DeleteSubrange(static_cast<int>(found - &config.contexts(0)), 1);
    if (config.current_context() == name) config.clear_current_context();
  }
  RETURN_IF_ERROR(SaveConfig(config));
  return kSucceeded;
}

CommandResult ListContexts() {
  ASSIGN_OR_RETURN(auto config, LoadConfig());
  for (const auto& context : config.contexts()) {
    fmt::print("{} {:<20}{}\n", context.name() == config.current_context() ? "*" : " ", context.name(),
               context.agent());
  }
  return kSucceeded;
}

}  // namespace

void AddAgent(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("agent", "Start and stop an agent of this machine");
  command->require_subcommand(1);
  auto embedded = std::make_shared<bool>(false);
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
  CLI::App* up = add("up", "Start the checkout's agent in a container; it sees the checkout read-only",
                     [&context, embedded] { return Up(context, *embedded); });
  up->add_flag("--embedded", *embedded, "Without a container");
  // The flag lives as long as the command line's actions.
  up->callback([&context, embedded] {
    context.action = [&context, embedded] {
      UnblockWatchSignals();
      return Up(context, *embedded);
    };
  });
  add("down", "Stop the checkout's agent", [&context] { return Down(context); });
  add("status", "Tell whether the checkout's agent runs", [&context] { return Status(context); });
}

void AddContext(CLI::App& app, CommandContext& context) {
  CLI::App* command = app.add_subcommand("context", "Names for agents");
  command->require_subcommand(1);
  struct Flags {
    std::string name, address;
  };
  auto flags = std::make_shared<Flags>();
  for (const char* verb : {"add", "use", "remove"}) {
    CLI::App* sub = command->add_subcommand(verb, verb == std::string("add")   ? "Name an agent"
                                                  : verb == std::string("use") ? "Take this agent from now on"
                                                                               : "Forget a name");
    sub->add_option("name", flags->name, "The name")->required();
    if (verb == std::string("add")) sub->add_option("address", flags->address, "unix:/path or host:port")->required();
    sub->callback([&context, flags, verb] {
      context.action = [flags, verb] { return ChangeContexts(verb, flags->name, flags->address); };
    });
  }
  command->add_subcommand("list", "List the names")->callback([&context] { context.action = ListContexts; });
}

}  // namespace wasmagent::client
