// What the subcommands' command lines have in common.
#pragma once

#include <string>

#include "client/command/command_context.h"
#include "google/protobuf/message.h"

namespace wasmagent::client {

// Adds a subcommand with --checkout and --agent; when it is chosen, `action` runs once the whole line has been read.
CLI::App* AddSubcommand(CLI::App& app, CommandContext& context, const char* name, const char* help,
                        CommandAction action);

// Adds --checkout and --agent.
void AddAgentFlags(CLI::App& command, CommandContext& context);

// Adds --output text|json to a subcommand that prints something; `json` must outlive the parsing.
void AddOutputFlag(CLI::App& command, bool& json);

// Adds the build's id, which may be left out: the checkout's newest build is meant then.
void AddIdArgument(CLI::App& command, std::string& id);

// On stdout, indented.
void PrintJson(const google::protobuf::Message& message);

}  // namespace wasmagent::client
