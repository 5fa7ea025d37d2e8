// cancel: end a build, and every process of it.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/build_text.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  std::string id;
};

CommandResult Cancel(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuild(*connection, flags.id));
  RETURN_IF_ERROR(CancelBuild(*connection, build.request().build_id(), "wasmctl cancel").status());
  if (build.state() == wasmagent::v1::BUILD_STATE_ENDED) {
    std::fprintf(stderr, "wasmctl: build %s had ended already: %s\n", flags.id.c_str(), StateOf(build).c_str());
  }
  return kSucceeded;
}

}  // namespace

void AddCancel(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      AddSubcommand(app, context, "cancel", "End a build", [&context, flags] { return Cancel(context, *flags); });
  command->add_option("id", flags->id, "The build, or the start of its id")->required();
}

}  // namespace wasmagent::client
