// What every subcommand starts from: the flags that all have, the checkout, the agent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/checkout/checkout.h"
#include "client/checkout/tree_scanner.h"
#include "client/session/agent_connection.h"
#include "client/session/agent_locator.h"
#include "client/view/build_view.h"
#include "wasmagent/config/v1/client_config.pb.h"
#include "wasmagent/v1/build.pb.h"
#include "wasmagent/v1/build_report.pb.h"

namespace CLI {
class App;
}

namespace wasmagent::client {

// Result of a subcommand: an exit code, or an error that main tells and turns into one.
using CommandResult = absl::StatusOr<int>;
// Where a subcommand leaves what is to be run once the command line has been read.
using CommandAction = std::function<CommandResult()>;

// Flags shared by subcommands, and what they lead to. Made once, in main.
struct CommandContext {
  std::string checkout_directory;              // --checkout
  std::string agent;                           // --agent
  std::vector<std::string> program_arguments;  // what follows --
  wasmagent::config::v1::ClientConfig config;
  CommandAction action;

  // What the search for an agent goes by; `checkout` may be that of the working directory.
  LocatorInput Locator(const Checkout& checkout) const;

  absl::StatusOr<Checkout> OpenCheckout() const { return client::OpenCheckout(checkout_directory); }
  // Finds the agent, says on stderr which one it took, and starts to connect.
  absl::StatusOr<std::unique_ptr<AgentConnection>> Connect(const Checkout& checkout) const;
  // --output, else the configuration's, else live on a terminal and plain in a pipe.
  absl::StatusOr<OutputMode> Mode(const std::string& flag) const;
};

// Scans and tells the warnings: to the view, which may be drawing, or on stderr.
absl::StatusOr<ScannedTree> ScanAndWarn(const Checkout& checkout, BuildView* view = nullptr);

// The whole id of a build that a unique prefix names.
absl::StatusOr<wasmagent::v1::Build> FindBuild(AgentConnection& connection, const std::string& id);
// The same; the newest build of the checkout when `id` is empty.
absl::StatusOr<wasmagent::v1::Build> FindBuildOrNewest(AgentConnection& connection, const Checkout& checkout,
                                                       const std::string& id);

// What happened in a build so far, without its log.
absl::StatusOr<wasmagent::v1::BuildReport> ReadReport(AgentConnection& connection, const wasmagent::v1::Build& build);

// Fetches the artifacts of a build that has them; `out` is --out or empty. Says on stdout where they are.
absl::Status FetchBuild(AgentConnection& connection, const Checkout& checkout, const wasmagent::v1::Build& build,
                        const std::string& out, BuildView* view);

// Puts the reports of tests beside the artifacts of their targets, as test-results.xml, and says so.
absl::Status FetchTestReports(AgentConnection& connection, const Checkout& checkout,
                              const std::vector<wasmagent::v1::TestResults>& results, const std::string& out,
                              BuildView& view);

}  // namespace wasmagent::client
