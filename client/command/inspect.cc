// targets, plan, info, verify, ignored: questions that change nothing.
#include <cstdio>

#include "CLI/CLI.hpp"
#include "client/checkout/ignore_reason.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/request_flags.h"
#include "client/command/shell_quote.h"
#include "client/command/watch_loop.h"
#include "client/session/agent_calls.h"
#include "client/session/build_session.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  RequestFlags request;
  std::string path;
  bool json = false;
};

CommandResult PrintJson(const google::protobuf::Message& message) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  std::fputs(json.c_str(), stdout);
  return kSucceeded;
}

CommandResult Targets(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanAndWarn(checkout));
  ASSIGN_OR_RETURN(auto response, ListTargets(*connection, TreeOf(checkout, scanned)));
  if (flags.json) return PrintJson(response);
  std::fprintf(stderr, "wasmctl: targets from %s\n", response.source().c_str());
  for (const auto& target : response.targets()) {
    std::string needs;
    for (const std::string& need : target.needs()) needs += (needs.empty() ? " (needs " : ", ") + need;
    if (!needs.empty()) needs += ")";
    fmt::print("{:<24}{}{}\n", target.name(), target.description(), needs);
    if (!target.buildable()) fmt::print("{:<24}not here: {}\n", "", target.problem());
  }
  return kSucceeded;
}

void PrintPlan(const Checkout& checkout, const wasmagent::v1::PlanBuildResponse& plan) {
  fmt::print("SRC={}\n\n", QuoteWord(checkout.path));
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
  if (flags.json) return PrintJson(response);
  PrintPlan(checkout, response);
  return kSucceeded;
}

CommandResult Info(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto info, GetAgentInfo(*connection));
  if (flags.json) return PrintJson(info);
  fmt::print(
      "agent      {} at {}\nmachine    {}\nisolation  {}\ncapacity   {} builds at a time, {} jobs ({})\nbuilds     {} "
      "running, {} queued{}\n",
      info.version(), connection->address(), info.machine(), info.isolation(), info.slots(), info.jobs(),
      info.jobs_reason(), info.running(), info.queued(), info.draining() ? ", draining" : "");
  for (const auto& toolchain : info.toolchains()) {
    fmt::print("toolchain  {}: {} in {}{}\n", toolchain.kind(), toolchain.version(), toolchain.path(),
               toolchain.usable() ? "" : "; not usable: " + toolchain.problem());
  }
  for (const auto& runtime : info.runtimes())
    fmt::print("runtime    {} {} ({})\n", runtime.name(), runtime.version(), runtime.path());
  for (const std::string& root : info.bind_roots()) fmt::print("reads      {}\n", root);
  fmt::print("state      {}\n", info.state_directory());
  return kSucceeded;
}

CommandResult Verify(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  // A proof reads every byte on this side too.
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanCheckout(checkout, {.use_stat_cache = false, .save_stat_cache = false},
                                                     platform::SystemClock()));
  ASSIGN_OR_RETURN(auto response, VerifyWorkspace(*connection, checkout.id));
  if (flags.json) RETURN_IF_ERROR(PrintJson(response).status());
  ASSIGN_OR_RETURN(content::Digest there, content::Digest::FromProto(response.root()));
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

CommandResult Ignored(const CommandContext& context, const Flags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(IgnoreReason reason, ExplainPath(checkout, flags.path));
  fmt::print("{}: {}: {}\n", Printable(flags.path), reason.ignored ? "left out" : "sent", reason.rule);
  return reason.ignored ? kSucceeded : kBuildFailed;
}

using Function = CommandResult (*)(const CommandContext&, const Flags&);

CLI::App* Add(CLI::App& app, CommandContext& context, const char* name, const char* help, Function function,
              const std::shared_ptr<Flags>& flags) {
  CLI::App* command = app.add_subcommand(name, help);
  AddAgentFlags(*command, context);
  command->callback([&context, flags, function] {
    context.action = [&context, flags, function] {
      UnblockWatchSignals();
      return function(context, *flags);
    };
  });
  return command;
}

}  // namespace

void AddTargets(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  AddOutputFlag(*Add(app, context, "targets", "List what can be built of the checkout", Targets, flags), flags->json);
}

void AddPlan(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      Add(app, context, "plan", "Print each step's exact argv and environment, and run nothing", Plan, flags);
  AddRequestFlags(*command, flags->request);
  AddOutputFlag(*command, flags->json);
}

void AddInfo(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  AddOutputFlag(
      *Add(app, context, "info", "Describe the agent: toolchains, runtimes, isolation, capacity", Info, flags),
      flags->json);
}

void AddVerify(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  AddOutputFlag(*Add(app, context, "verify", "Prove by root digest that the agent's workspace equals the checkout",
                     Verify, flags),
                flags->json);
}

void AddIgnored(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  Add(app, context, "ignored", "Tell whether a path is left out, and by which rule", Ignored, flags)
      ->add_option("--why,path", flags->path, "The path, relative to the checkout or absolute")
      ->required();
}

}  // namespace wasmagent::client
