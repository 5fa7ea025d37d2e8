// The subcommands: each adds itself to the command line and leaves its action in the context when it is chosen.
#pragma once

#include <string>

#include "client/command/command_context.h"

namespace wasmagent::client {

void AddSubmit(CLI::App& app, CommandContext& context);
void AddWatch(CLI::App& app, CommandContext& context);
void AddList(CLI::App& app, CommandContext& context);
void AddShow(CLI::App& app, CommandContext& context);
void AddLogs(CLI::App& app, CommandContext& context);
void AddWhy(CLI::App& app, CommandContext& context);
void AddCancel(CLI::App& app, CommandContext& context);
void AddFetch(CLI::App& app, CommandContext& context);
void AddRun(CLI::App& app, CommandContext& context);
void AddTargets(CLI::App& app, CommandContext& context);
void AddPlan(CLI::App& app, CommandContext& context);
void AddInfo(CLI::App& app, CommandContext& context);
void AddDoctor(CLI::App& app, CommandContext& context);
void AddAgent(CLI::App& app, CommandContext& context);
void AddContext(CLI::App& app, CommandContext& context);
void AddVerify(CLI::App& app, CommandContext& context);
void AddIgnored(CLI::App& app, CommandContext& context);
void AddServe(CLI::App& app, CommandContext& context);
void AddHosting(CLI::App& app, CommandContext& context);
void AddCompletion(CLI::App& app, CommandContext& context);

// Shows a build to its end, fetches what it made, and says how it ended: what submit and watch share.
CommandResult WatchAndFetch(AgentConnection& connection, const Checkout& checkout, const std::string& build_id,
                            const std::string& out, OutputMode mode, BuildView& view);

}  // namespace wasmagent::client
