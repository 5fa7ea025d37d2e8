// ignored: why a path is, or is not, part of the checkout.
#include "CLI/CLI.hpp"
#include "client/checkout/ignore_reason.h"
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
  std::string path;
};

CommandResult Ignored(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(IgnoreReason reason, ExplainPath(checkout, flags.path));
  fmt::print("{}: {}: {}\n", Printable(flags.path), reason.ignored ? "left out" : "sent", reason.rule);
  return reason.ignored ? kSucceeded : kBuildFailed;
}

}  // namespace

void AddIgnored(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "ignored", "Tell whether a path is left out, and by which rule",
                                    [&context, flags] { return Ignored(context, *flags); });
  command->add_option("--why,path", flags->path, "The path, relative to the checkout or absolute")->required();
}

}  // namespace wasmagent::client
