// list: builds, newest first.
#include "CLI/CLI.hpp"
#include "absl/time/time.h"
#include "client/command/build_text.h"
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
  bool all = false;
  bool active = false;
  bool json = false;
  uint32_t limit = 20;
};

CommandResult List(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  wasmagent::v1::ListBuildsRequest request;
  if (!flags.all) request.set_checkout_id(checkout.id);
  request.set_limit(flags.limit);
  request.set_active_only(flags.active);
  ASSIGN_OR_RETURN(auto response, ListBuilds(*connection, request));
  if (flags.json) {
    PrintJson(response);
    return kSucceeded;
  }
  fmt::print("{:<10}{:<15}{:<20}{:<12}{:<24}{}\n", "ID", "STATE", "CREATED", "TOOK", "TARGETS", "CHECKOUT");
  for (const auto& build : response.builds()) {
    fmt::print("{:<10}{:<15}{:<20}{:<12}{:<24}{}\n", build.request().build_id().substr(0, 8), StateOf(build),
               absl::FormatTime("%Y-%m-%d %H:%M:%S", TimeOf(build.create_time()), absl::LocalTimeZone()), TookOf(build),
               TargetsOf(build), Printable(build.request().checkout().path()));
  }
  return kSucceeded;
}

}  // namespace

void AddList(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "list", "List builds, newest first",
                                    [&context, flags] { return List(context, *flags); });
  command->add_flag("--all,-a", flags->all, "Builds of every checkout");
  command->add_flag("--active", flags->active, "Only builds that have not ended");
  command->add_option("--limit,-n", flags->limit, "At most this many (default: 20)");
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
