#include "client/command/command_context.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "client/artifacts/artifact_writer.h"
#include "client/artifacts/evidence_writer.h"
#include "client/artifacts/output_folder.h"
#include "client/session/agent_calls.h"
#include "client/session/event_watch.h"
#include "client/view/why_text.h"
#include "content/transfer/blob_transfer.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
absl::StatusOr<std::unique_ptr<AgentConnection>> CommandContext::Connect(const Checkout& checkout) const {
  ASSIGN_OR_RETURN(AgentAddress address, LocateAgent(Locator(checkout)));
  std::fprintf(stderr, "wasmctl: %s\n", address.description.c_str());
  return std::make_unique<AgentConnection>(std::move(address));
}

LocatorInput CommandContext::Locator(const Checkout& checkout) const {
  LocatorInput input;
  input.flag = agent;
  if (const char* variable = std::getenv("WASMCTL_AGENT"); variable != nullptr) input.environment = variable;
  input.configured = config.agent();
  input.context = config.current_context();
  for (const auto& known : config.contexts()) {
    if (known.name() == config.current_context()) input.context_address = known.agent();
  }
  input.checkout = checkout.path;
  input.checkout_id = checkout.id;
  input.image = config.image();
  input.engine = config.engine();
  input.folders = UserFolders::FromEnvironment();
  return input;
}

absl::StatusOr<OutputMode> CommandContext::Mode(const std::string& flag) const {
  const std::string& word = flag.empty() ? config.output() : flag;
  if (word == "json") return OutputMode::kJson;
  if (word == "plain") return OutputMode::kPlain;
  if (word == "live") return OutputMode::kLive;
  if (!word.empty()) return absl::InvalidArgumentError(fmt::format("output '{}': must be live, plain or json", word));
  // A terminal that cannot move its cursor (an editor's, a log's) gets lines.
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  return ::isatty(STDERR_FILENO) == 1 && !dumb ? OutputMode::kLive : OutputMode::kPlain;
}

absl::StatusOr<ScannedTree> ScanAndWarn(const Checkout& checkout, BuildView* view) {
  ASSIGN_OR_RETURN(ScannedTree scanned, ScanCheckout(checkout, {}, platform::SystemClock()));
  for (const std::string& warning : scanned.warnings) {
    if (view != nullptr) view->Note(warning);
    if (view == nullptr) std::fprintf(stderr, "wasmctl: %s\n", warning.c_str());
  }
  return scanned;
}

absl::StatusOr<wasmagent::v1::Build> FindBuild(AgentConnection& connection, const std::string& id) {
  auto build = GetBuild(connection, id);
  if (absl::IsNotFound(build.status())) {
    return absl::NotFoundError(fmt::format("{}\n  try: wasmctl list", std::string(build.status().message())));
  }
  return build;
}

absl::StatusOr<wasmagent::v1::Build> FindBuildOrNewest(AgentConnection& connection, const Checkout& checkout,
                                                       const std::string& id) {
  if (!id.empty()) return FindBuild(connection, id);
  wasmagent::v1::ListBuildsRequest request;
  request.set_checkout_id(checkout.id);
  request.set_limit(1);
  ASSIGN_OR_RETURN(auto response, ListBuilds(connection, request));
  if (response.builds().empty()) {
    return absl::NotFoundError(
        "the agent knows no build of this checkout\n  try: wasmctl submit, or wasmctl list --all");
  }
  return response.builds(0);
}

absl::StatusOr<wasmagent::v1::BuildReport> ReadReport(AgentConnection& connection, const wasmagent::v1::Build& build) {
  wasmagent::v1::BuildReport report;
  *report.mutable_build() = build;
  WatchOptions options;
  options.follow = false;
  options.without_log = true;
  options.on_event = [&](const wasmagent::v1::BuildEvent& event) { AddToReport(event, report); };
  RETURN_IF_ERROR(WatchBuild(connection, build.request().build_id(), options).status());
  return report;
}

absl::Status FetchBuild(AgentConnection& connection, const Checkout& checkout, const wasmagent::v1::Build& build,
                        const std::string& out, BuildView* view) {
  for (const auto& artifacts : build.artifacts()) {
    ASSIGN_OR_RETURN(std::string folder, OutputFolder(checkout.path, out, artifacts.target()));
    ASSIGN_OR_RETURN(content::Digest root, content::Digest::FromProto(artifacts.root()));
    std::string json;
    (void)google::protobuf::util::MessageToJsonString(artifacts, &json);
    ASSIGN_OR_RETURN_CTX(FetchStatistics got, FetchArtifacts(connection.blobs(), root, folder, json + "\n"),
                         fmt::format("fetch the artifacts of {}", artifacts.target()));
    if (view != nullptr) {
      view->Note(fmt::format("{}: {} in {} ({} fetched, {}; {} removed)", artifacts.target(),
                             Count(got.artifacts, "artifact"), folder, got.fetched_files,
                             FormatBytes(got.fetched_bytes), got.removed));
    }
  }
  return absl::OkStatus();
}

absl::Status FetchTestReports(AgentConnection& connection, const Checkout& checkout,
                              const std::vector<wasmagent::v1::TestResults>& results, const std::string& out,
                              BuildView& view) {
  for (const auto& one : results) {
    ASSIGN_OR_RETURN(std::string folder, OutputFolder(checkout.path, out, one.target()));
    ASSIGN_OR_RETURN(content::Digest report, content::Digest::FromProto(one.report()));
    RETURN_IF_ERROR_CTX(FetchFiles(connection.blobs(), {{"test-results.xml", report}}, folder),
                        fmt::format("fetch the test report of {}", one.target()));
    view.Note(fmt::format("{}: {}/test-results.xml", DescribeTests(one), folder));
  }
  return absl::OkStatus();
}

}  // namespace wasmagent::client
