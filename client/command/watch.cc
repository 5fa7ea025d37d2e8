// watch: a build from its beginning to its end, and what it makes.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/subcommand.h"
#include "client/command/watch_loop.h"
#include "platform/status.h"

namespace wasmagent::client {

void AddWatch(CLI::App& app, CommandContext& context) {
  struct Flags {
    std::string id, out, output;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("watch", "Show a build from its beginning to its end, and fetch what it makes");
  AddAgentFlags(*command, context);
  AddIdArgument(*command, flags->id);
  command->add_option("--out", flags->out, "Put each target's artifacts into DIR/TARGET");
  command->add_option("--output", flags->output, "live, plain or json");
  command->callback([&context, flags] {
    context.action = [&context, flags]() -> CommandResult {
      ASSIGN_OR_RETURN(OutputMode mode, context.Mode(flags->output));
      ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
      std::unique_ptr<AgentConnection> connection;
      wasmagent::v1::Build build;
      {
        EndOnSignal end_on_signal("");
        ASSIGN_OR_RETURN(connection, context.Connect(checkout));
        ASSIGN_OR_RETURN(build, FindBuildOrNewest(*connection, checkout, flags->id));
      }
      // Another checkout's artifacts do not belong here.
      if (build.request().checkout().id() != checkout.id && flags->out.empty())
        flags->out = "wasm-" + build.request().build_id().substr(0, 8);
      auto view = MakeView(mode);
      return WatchAndFetch(*connection, checkout, build.request().build_id(), flags->out, mode, *view);
    };
  });
}

}  // namespace wasmagent::client
