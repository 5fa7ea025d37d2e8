// plan: the exact argv and environment of every step; runs nothing.
#include <map>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/plan_quote.h"
#include "client/command/request_flags.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "client/session/build_session.h"
#include "fmt/format.h"
#include "platform/shell_quote.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  RequestFlags request;
  bool json = false;
};

void PrintPlan(const Checkout& checkout, const wasmagent::v1::PlanBuildResponse& plan) {
  fmt::print("SRC={}\n\n", platform::QuoteWord(checkout.path));
  for (const std::string& remark : plan.remarks()) fmt::print("# {}\n", remark);
  for (const auto& target : plan.targets()) {
    fmt::print("# target {}: {} in {}\n", target.name(), target.toolchain().version(), target.build_directory());
    for (const std::string& remark : target.remarks()) fmt::print("# {}\n", remark);
    for (const auto& step : target.steps()) {
      fmt::print("\n# step {0}\n(mkdir -p {1} && cd {1} && env -i", target.name() + "/" + step.name(),
                 QuotePlanWord("$SRC/" + step.directory()));
      // A map has no order of its own; a plan that is printed twice is to read the same.
      std::map<std::string, std::string> env(step.env().begin(), step.env().end());
      for (const auto& [name, value] : env) fmt::print(" \\\n  {}", QuotePlanWord(name + "=" + value));
      fmt::print(" \\\n ");
      for (const std::string& word : step.argv()) fmt::print(" {}", QuotePlanWord(word));
      fmt::print(")\n");
    }
    fmt::print("\n");
  }
}

CommandResult Plan(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto request, MakeRequest(flags.request, checkout));
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanAndWarn(checkout));
  *request.mutable_root() = scanned.tree.root.ToProto();
  ASSIGN_OR_RETURN(auto response, PlanBuild(*connection, request, TreeOf(checkout, scanned)));
  if (flags.json) {
    PrintJson(response);
    return kSucceeded;
  }
  PrintPlan(checkout, response);
  return kSucceeded;
}

}  // namespace

void AddPlan(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      AddSubcommand(app, context, "plan", "Print each step's exact argv and environment, and run nothing",
                    [&context, flags] { return Plan(context, *flags); });
  AddRequestFlags(*command, flags->request);
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
