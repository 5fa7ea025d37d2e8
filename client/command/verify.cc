// verify: proof by root digest that the agent's workspace equals the checkout.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "client/view/build_view.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  bool json = false;
};

CommandResult Verify(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  // A proof reads every byte on this side too.
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanCheckout(checkout, {.use_stat_cache = false, .save_stat_cache = false},
                                                     platform::SystemClock()));
  ASSIGN_OR_RETURN(auto response, VerifyWorkspace(*connection, checkout.id));
  ASSIGN_OR_RETURN(content::Digest there, content::Digest::FromProto(response.root()));
  if (flags.json) {
    PrintJson(response);
    return there == scanned.tree.root ? kSucceeded : kBuildFailed;
  }
  if (there == scanned.tree.root) {
    fmt::print("equal: {}\n", there.ToString());
    return kSucceeded;
  }
  fmt::print("different:\n  checkout   {}\n  workspace  {} ({})\n", scanned.tree.root.ToString(), there.ToString(),
             response.workspace().name());
  for (const std::string& path : response.differences())
    fmt::print("  changed in the workspace: {}\n", Printable(path));
  if (response.workspace().root().hash() != scanned.tree.root.Hex()) {
    fmt::print("  the checkout has changed since its last build: wasmctl submit brings the workspace up to date\n");
  }
  return kBuildFailed;
}

}  // namespace

void AddVerify(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      AddSubcommand(app, context, "verify", "Prove by root digest that the agent's workspace equals the checkout",
                    [&context, flags] { return Verify(context, *flags); });
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
