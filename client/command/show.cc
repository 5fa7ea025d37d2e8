// show: what is known of one build.
#include "CLI/CLI.hpp"
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
  std::string id;
  bool json = false;
};

CommandResult Show(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  if (flags.json) {
    PrintJson(build);
    return kSucceeded;
  }
  const auto& request = build.request();
  fmt::print(
      "build     {}\nstate     {}\ntargets   {}\ncheckout  {} on {}\nroot      {}/{}\nby        {}\ntook      "
      "{}\nattempts  {}\n",
      request.build_id(), StateOf(build), TargetsOf(build), Printable(request.checkout().path()),
      Printable(request.checkout().host()), request.root().hash(), request.root().size_bytes(),
      Printable(request.requester()), TookOf(build), build.attempts());
  ASSIGN_OR_RETURN(auto report, ReadReport(*connection, build));
  for (const auto& step : report.steps()) {
    fmt::print("step      {}/{}: {}\n", step.started().target(), step.started().name(),
               step.has_ended() ? DescribeStepEnd(step.ended()) : "has not ended");
  }
  for (const auto& artifacts : build.artifacts()) {
    fmt::print("artifacts {}: {}, {}, in {}\n", artifacts.target(), Count(artifacts.files(), "file"),
               FormatBytes(artifacts.bytes()), artifacts.destination());
  }
  for (const auto& results : build.test_results()) fmt::print("tests     {}\n", DescribeTests(results));
  if (build.has_cause()) {
    wasmagent::v1::Ended ended;
    ended.set_outcome(build.outcome());
    *ended.mutable_cause() = build.cause();
    fmt::print("{}\n", DescribeEnd(request.build_id(), ended, {build.evidence().begin(), build.evidence().end()}));
  }
  return kSucceeded;
}

}  // namespace

void AddShow(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "show", "Show what is known of a build",
                                    [&context, flags] { return Show(context, *flags); });
  AddIdArgument(*command, flags->id);
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
