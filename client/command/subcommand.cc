#include "client/command/subcommand.h"

#include <cstdio>
#include <utility>

#include "CLI/CLI.hpp"
#include "client/command/watch_loop.h"
#include "google/protobuf/util/json_util.h"

namespace wasmagent::client {

CLI::App* AddSubcommand(CLI::App& app, CommandContext& context, const char* name, const char* help,
                        CommandAction action) {
  CLI::App* command = app.add_subcommand(name, help);
  AddAgentFlags(*command, context);
  command->callback([&context, action = std::move(action)] {
    context.action = [action] {
      UnblockWatchSignals();
      return action();
    };
  });
  return command;
}

void AddAgentFlags(CLI::App& command, CommandContext& context) {
  command.add_option("--checkout", context.checkout_directory,
                     "Folder of the checkout (default: found from here upwards)");
  command.add_option("--agent", context.agent,
                     "The agent: unix:/path, host:port, container or embedded (default: looked for)");
}

void AddOutputFlag(CLI::App& command, bool& json) {
  command
      .add_option_function<std::string>(
          "--output", [&json](const std::string& form) { json = form == "json"; }, "text or json (default: text)")
      ->check(CLI::IsMember({"text", "json"}));
}

void AddIdArgument(CLI::App& command, std::string& id) {
  command.add_option("id", id, "The build, or the start of its id (default: the checkout's newest)");
}

void PrintJson(const google::protobuf::Message& message) {
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  std::fputs(json.c_str(), stdout);
}

}  // namespace wasmagent::client
