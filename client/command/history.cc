// list, show, logs, cancel, fetch: what is known of builds.
#include <unistd.h>

#include <cstdio>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/watch_loop.h"
#include "client/session/agent_calls.h"
#include "client/session/event_watch.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct IdFlags {
  std::string id;
  std::string out;
  bool all = false;
  bool active = false;
  bool json = false;
  bool follow = false;
  uint32_t limit = 20;
};

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string StateOf(const wasmagent::v1::Build& build) {
  if (build.state() == wasmagent::v1::BUILD_STATE_QUEUED) return "queued";
  if (build.state() == wasmagent::v1::BUILD_STATE_RUNNING) return "running";
  return Verdict(build.outcome());
}

std::string TookOf(const wasmagent::v1::Build& build) {
  if (!build.has_start_time()) return "-";
  absl::Time end = build.has_end_time() ? FromProto(build.end_time()) : absl::Now();
  return FormatElapsed(end - FromProto(build.start_time()));
}

std::string TargetsOf(const wasmagent::v1::Build& build) {
  std::string targets;
  for (const std::string& target : build.request().targets()) targets += (targets.empty() ? "" : ",") + target;
  return targets;
}

void PrintJson(const google::protobuf::Message& message) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  std::fputs(json.c_str(), stdout);
}

CommandResult List(const CommandContext& context, const IdFlags& flags) {
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
               absl::FormatTime("%Y-%m-%d %H:%M:%S", FromProto(build.create_time()), absl::LocalTimeZone()),
               TookOf(build), TargetsOf(build), Printable(build.request().checkout().path()));
  }
  return kSucceeded;
}

CommandResult Show(const CommandContext& context, const IdFlags& flags) {
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
  for (const auto& artifacts : build.artifacts()) {
    fmt::print("artifacts {}: {} files, {}, in {}\n", artifacts.target(), artifacts.files(),
               FormatBytes(artifacts.bytes()), artifacts.destination());
  }
  if (build.has_cause()) {
    wasmagent::v1::Ended ended;
    ended.set_outcome(build.outcome());
    *ended.mutable_cause() = build.cause();
    fmt::print("{}\n", DescribeEnd(request.build_id(), ended));
  }
  return kSucceeded;
}

CommandResult Logs(const CommandContext& context, const IdFlags& flags) {
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

CommandResult Cancel(const CommandContext& context, const IdFlags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuild(*connection, flags.id));
  RETURN_IF_ERROR(CancelBuild(*connection, build.request().build_id(), "wasmctl cancel").status());
  if (build.state() == wasmagent::v1::BUILD_STATE_ENDED) {
    std::fprintf(stderr, "wasmctl: build %s had ended already: %s\n", flags.id.c_str(), StateOf(build).c_str());
  }
  return kSucceeded;
}

CommandResult FetchCommand(const CommandContext& context, const IdFlags& flags) {
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  if (build.artifacts().empty()) {
    return absl::NotFoundError(fmt::format("build {} has no artifacts: it {}\n  try: wasmctl show {}",
                                           build.request().build_id().substr(0, 8), StateOf(build),
                                           build.request().build_id().substr(0, 8)));
  }
  if (build.request().checkout().id() != checkout.id && flags.out.empty()) {
    return absl::InvalidArgumentError("that build is of another checkout: say where its artifacts go with --out DIR");
  }
  auto view = MakeView(OutputMode::kPlain);
  RETURN_IF_ERROR(FetchBuild(*connection, checkout, build, flags.out, view.get()));
  return kSucceeded;
}

using Function = CommandResult (*)(const CommandContext&, const IdFlags&);

CLI::App* Add(CLI::App& app, CommandContext& context, const char* name, const char* help, Function function,
              const std::shared_ptr<IdFlags>& flags) {
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

constexpr char kIdHelp[] = "The build, or the start of its id (default: the checkout's newest)";

}  // namespace

void AddList(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<IdFlags>();
  CLI::App* command = Add(app, context, "list", "List builds, newest first", List, flags);
  command->add_flag("--all,-a", flags->all, "Builds of every checkout");
  command->add_flag("--active", flags->active, "Only builds that have not ended");
  command->add_option("--limit,-n", flags->limit, "At most this many (default: 20)");
  AddOutputFlag(*command, flags->json);
}

void AddShow(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<IdFlags>();
  CLI::App* command = Add(app, context, "show", "Show what is known of a build", Show, flags);
  command->add_option("id", flags->id, kIdHelp);
  AddOutputFlag(*command, flags->json);
}

void AddLogs(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<IdFlags>();
  CLI::App* command =
      Add(app, context, "logs", "Print a build's log, every byte as the programs wrote it", Logs, flags);
  command->add_option("id", flags->id, kIdHelp);
  command->add_flag("--follow,-f", flags->follow, "Go on until the build ends");
}

void AddCancel(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<IdFlags>();
  CLI::App* command = Add(app, context, "cancel", "End a build", Cancel, flags);
  command->add_option("id", flags->id, "The build, or the start of its id")->required();
}

void AddFetch(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<IdFlags>();
  CLI::App* command = Add(app, context, "fetch", "Fetch a build's artifacts again", FetchCommand, flags);
  command->add_option("id", flags->id, kIdHelp);
  command->add_option("--out", flags->out, "Put each target's artifacts into DIR/TARGET");
}

}  // namespace wasmagent::client
