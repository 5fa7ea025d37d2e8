// wasmctl: reads the command line and runs one subcommand.
#include <signal.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <string_view>

#include "CLI/CLI.hpp"
#include "client/command/client_config.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/command/watch_loop.h"
#include "proto/yaml_config.h"

namespace {

using namespace wasmagent::client;  // NOLINT: this file only wires

int Report(const absl::Status& status) {
  std::fprintf(stderr, "wasmctl: %s\n", std::string(status.message()).c_str());
  return ExitCodeOf(status);
}

int Main(int argc, char** argv) {
  // Before gRPC makes threads: they inherit the mask, and the watch loop reads the signals.
  BlockWatchSignals();
  ::signal(SIGPIPE, SIG_IGN);
  // What programs print is UTF-8 nearly everywhere; this is for its width on a terminal.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  CommandContext context;
  CLI::App app("Builds WebAssembly on an agent: submit a checkout, watch the build, get the artifacts.", "wasmctl");
  app.set_version_flag("--version", "wasmctl " WASMAGENT_VERSION);
  // Before the subcommand or after it: people write both.
  AddAgentFlags(app, context);
  wasmagent::config::v1::ClientConfig flags;
  app.add_option("--image", *flags.mutable_image(), "Container image of the agent (default: wasmagent:latest)");
  app.add_option("--engine", *flags.mutable_engine(),
                 "Container engine: podman or docker (default: the one that works)");
  bool print_config = false;
  app.add_flag("--print-config", print_config, "Print the configuration as it results from file and flags");
  app.footer(
      "Exit codes: 0 succeeded, 1 the build failed, 2 wrong usage, 3 agent not reached or broken, 4 cancelled,\n"
      "5 timed out, 6 out of memory, 7 refused.\nConfiguration: $XDG_CONFIG_HOME/wasmctl/config.yaml");
  for (auto* add : {AddSubmit,  AddWatch,  AddList,    AddShow,  AddLogs,    AddWhy,       AddCancel,
                    AddFetch,   AddRun,    AddTargets, AddPlan,  AddInfo,    AddDoctor,    AddAgent,
                    AddContext, AddVerify, AddIgnored, AddServe, AddHosting, AddCompletion}) {
    add(app, context);
  }
  app.require_subcommand(0, 1);
  char** dashes = std::find_if(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--"; });
  if (dashes != argv + argc) context.program_arguments.assign(dashes + 1, argv + argc);
  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    if (!context.program_arguments.empty() && !app.got_subcommand("run"))
      throw CLI::ExtrasError({"arguments after -- are for 'wasmctl run' only"});
  } catch (const CLI::ParseError& error) {
    int code = app.exit(error);
    return code == 0 ? kSucceeded : kWrongUsage;
  }
  auto config = LoadConfig();
  if (!config.ok()) {
    std::fprintf(stderr, "wasmctl: %s\n", std::string(config.status().message()).c_str());
    return kWrongUsage;
  }
  context.config = *config;
  // An option that was not given is empty, and merging an empty string changes nothing.
  context.config.MergeFrom(flags);
  if (print_config) {
    if (!context.agent.empty()) context.config.set_agent(context.agent);
    std::fputs(wasmagent::config::ToYaml(context.config).c_str(), stdout);
    return kSucceeded;
  }
  if (!context.action) {
    std::fputs(app.help().c_str(), stderr);
    return kWrongUsage;
  }
  CommandResult result = context.action();
  return result.ok() ? *result : Report(result.status());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wasmctl: %s\n", error.what());
    return wasmagent::client::kAgentBroken;
  }
}
