// context add, use, list, remove: names for agents.
#include "CLI/CLI.hpp"
#include "client/command/client_config.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Its place in the list; the list's size when there is none of that name.
int PlaceOf(const wasmagent::config::v1::ClientConfig& config, const std::string& name) {
  int place = 0;
  while (place < config.contexts_size() && config.contexts(place).name() != name) ++place;
  return place;
}

CommandResult ChangeContexts(const std::string& verb, const std::string& name, const std::string& address) {
  ASSIGN_OR_RETURN(auto config, LoadConfig());
  const int place = PlaceOf(config, name);
  const bool known = place < config.contexts_size();
  if (verb == "add") {
    auto* context = known ? config.mutable_contexts(place) : config.add_contexts();
    context->set_name(name);
    context->set_agent(address);
  } else if (!known) {
    return absl::NotFoundError(fmt::format("there is no context '{}'\n  try: wasmctl context list", name));
  } else if (verb == "use") {
    config.set_current_context(name);
  } else {
    config.mutable_contexts()->DeleteSubrange(place, 1);
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
