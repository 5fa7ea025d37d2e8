// doctor: what this machine has and lacks, and what mends it.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/machine_check.h"
#include "client/command/subcommand.h"
#include "client/view/build_view.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

const char* Mark(Finding::Level level) {
  switch (level) {
    case Finding::Level::kGood:
      return "ok";
    case Finding::Level::kMissing:
      return "missing";
    case Finding::Level::kWrong:
      return "wrong";
  }
  return "";
}

CommandResult Doctor(const CommandContext& context) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  const MachineReport report = CheckMachine(context.Locator(checkout));
  for (const Finding& finding : report.findings) {
    fmt::print("{:<8} {:<17} {}\n", Mark(finding.level), finding.subject, Printable(finding.found));
    if (!finding.remedy.empty()) fmt::print("{:<8} {:<17} mend: {}\n", "", "", finding.remedy);
  }
  return report.has_agent ? kSucceeded : kAgentBroken;
}

}  // namespace

void AddDoctor(CLI::App& app, CommandContext& context) {
  AddSubcommand(app, context, "doctor", "Tell what this machine has for builds, what is wrong, and what mends it",
                [&context] { return Doctor(context); })
      ->footer(
          "Exit code: 0 when submit would find or start an agent, 3 when not. `wasmctl info` describes the agent.");
}

}  // namespace wasmagent::client
