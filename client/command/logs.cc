// logs: a build's log, every byte of it.
#include <unistd.h>

#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "client/session/event_watch.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  std::string id;
  bool follow = false;
};

CommandResult Logs(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  absl::Status written;
  WatchOptions options;
  options.follow = flags.follow;
  options.stop = [&] { return !written.ok(); };
  options.on_event = [&](const wasmagent::v1::BuildEvent& event) {
    if (!event.has_log() || !written.ok()) return;
    if (event.log().omitted_before() > 0) {
      std::fprintf(stderr, "wasmctl: %llu bytes of the log were left out here\n",
                   static_cast<unsigned long long>(event.log().omitted_before()));
    }
    written = platform::WriteAll(STDOUT_FILENO, event.log().data());
  };
  RETURN_IF_ERROR(WatchBuild(*connection, build.request().build_id(), options).status());
  RETURN_IF_ERROR_CTX(written, "stdout");
  return kSucceeded;
}

}  // namespace

void AddLogs(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = AddSubcommand(app, context, "logs", "Print a build's log, every byte as the programs wrote it",
                                    [&context, flags] { return Logs(context, *flags); });
  AddIdArgument(*command, flags->id);
  command->add_flag("--follow,-f", flags->follow, "Go on until the build ends");
}

}  // namespace wasmagent::client
