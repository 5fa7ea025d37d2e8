// why: the cause of a failure again, or what was rebuilt and because of what.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/view/why_text.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  std::string id;
  bool json = false;
};

CommandResult Why(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  ASSIGN_OR_RETURN(auto report, ReadReport(*connection, build));
  if (flags.json) {
    PrintJson(report);
  } else {
    fmt::print("{}", WhyText(report));
  }
  return kSucceeded;
}

}  // namespace

void AddWhy(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "why", "Say why a build failed, or what it rebuilt and why",
                                    [&context, flags] { return Why(context, *flags); });
  AddIdArgument(*command, flags->id);
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
