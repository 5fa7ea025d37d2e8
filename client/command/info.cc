// info: what the agent is and has.
#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  bool json = false;
};

// One toolchain in one line: what it is and where, or what is wrong with it.
std::string Describe(const wasmagent::v1::Toolchain& toolchain) {
  if (toolchain.path().empty()) return "none; " + toolchain.problem();
  const std::string what = fmt::format("{} in {}", toolchain.version(), toolchain.path());
  return toolchain.usable() ? what : fmt::format("{}; not usable: {}", what, toolchain.problem());
}

CommandResult Info(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto info, GetAgentInfo(*connection));
  if (flags.json) {
    PrintJson(info);
    return kSucceeded;
  }
  fmt::print(
      "agent      {} at {}\nmachine    {}\nisolation  {}\ncapacity   {} builds at a time, {} jobs ({})\nbuilds     {} "
      "running, {} queued{}\n",
      info.version(), connection->address(), info.machine(), info.isolation(), info.slots(), info.jobs(),
      info.jobs_reason(), info.running(), info.queued(), info.draining() ? ", draining" : "");
  for (const auto& toolchain : info.toolchains()) {
    fmt::print("toolchain  {}: {}\n", toolchain.kind(), Describe(toolchain));
  }
  for (const auto& runtime : info.runtimes())
    fmt::print("runtime    {} {} ({}){}\n", runtime.name(), runtime.version(), runtime.path(),
               runtime.problem().empty() ? "" : "; not usable: " + runtime.problem());
  fmt::print("ccache     {}\n", info.compiler_cache().empty() ? "not installed" : info.compiler_cache());
  for (const std::string& root : info.bind_roots()) fmt::print("reads      {}\n", root);
  fmt::print("state      {}\n", info.state_directory());
  return kSucceeded;
}

}  // namespace

void AddInfo(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      AddSubcommand(app, context, "info", "Describe the agent: toolchains, runtimes, isolation, capacity",
                    [&context, flags] { return Info(context, *flags); });
  AddOutputFlag(*command, flags->json);
}

}  // namespace wasmagent::client
