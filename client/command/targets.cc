// targets: what can be built of a checkout here.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/request_flags.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "client/session/build_session.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  bool json = false;
};

CommandResult Targets(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanAndWarn(checkout));
  ASSIGN_OR_RETURN(auto response, ListTargets(*connection, TreeOf(checkout, scanned)));
  if (flags.json) {
    PrintJson(response);
    return kSucceeded;
  }
  std::fprintf(stderr, "wasmctl: targets from %s\n", response.source().c_str());
  for (const auto& target : response.targets()) {
    std::string needs;
    for (const std::string& need : target.needs()) needs += (needs.empty() ? " (needs " : ", ") + need;
    if (!needs.empty()) needs += ")";
    std::string support = target.support().empty() ? "" : fmt::format(" [{}]", target.support());
    fmt::print("{:<34}{}{}{}\n", target.name(), target.description(), support, needs);
    std::string actions;
    for (const std::string& action : target.actions()) actions += (actions.empty() ? "" : ", ") + action;
    if (!actions.empty()) fmt::print("{:<34}actions: {}\n", "", actions);
    if (!target.buildable()) fmt::print("{:<34}not here: {}\n", "", target.problem());
  }
  return kSucceeded;
}

}  // namespace

void AddTargets(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "targets", "List what can be built of the checkout",
                                    [&context, flags] { return Targets(context, *flags); });
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
