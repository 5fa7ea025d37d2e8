// fetch: the artifacts of a build again.
#include "CLI/CLI.hpp"
#include "client/command/build_text.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  std::string id;
  std::string out;
};

CommandResult FetchCommand(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  if (build.artifacts().empty()) {
    return absl::NotFoundError(fmt::format("build {} has no artifacts: it {}\n  try: wasmctl show {}",
                                           build.request().build_id().substr(0, 8), StateOf(build),
                                           build.request().build_id().substr(0, 8)));
  }
  if (build.request().checkout().id() != checkout.id && flags.out.empty()) {
    return absl::InvalidArgumentError("that build is of another checkout: say where its artifacts go with --out DIR");
  }
  auto view = MakeView(OutputMode::kPlain);
  RETURN_IF_ERROR(FetchBuild(*connection, checkout, build, flags.out, view.get()));
  return kSucceeded;
}

}  // namespace

void AddFetch(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "fetch", "Fetch a build's artifacts again",
                                    [&context, flags] { return FetchCommand(context, *flags); });
  AddIdArgument(*command, flags->id);
  command->add_option("--out", flags->out, "Put each target's artifacts into DIR/TARGET");
}

}  // namespace wasmagent::client
