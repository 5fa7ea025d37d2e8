// fetch: the artifacts of a build again, or what explains its failure.
#include <algorithm>
#include <map>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/artifacts/artifact_writer.h"
#include "client/artifacts/evidence_writer.h"
#include "client/artifacts/output_folder.h"
#include "client/command/build_text.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/subcommand.h"
#include "client/session/agent_calls.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

struct Flags {
  std::string id;
  std::string out;
  std::string target;
  bool evidence = false;
  bool build_dir = false;
};

CommandResult FetchEvidence(AgentConnection& connection, const Checkout& checkout, const wasmagent::v1::Build& build,
                            const Flags& flags) {
  std::map<std::string, std::vector<NamedBlob>> files;  // by target
  for (const auto& evidence : build.evidence()) {
    if (!flags.target.empty() && evidence.target() != flags.target) continue;
    ASSIGN_OR_RETURN(content::Digest digest, content::Digest::FromProto(evidence.digest()));
    files[evidence.target()].push_back({evidence.path(), digest});
  }
  if (files.empty()) {
    const std::string id = build.request().build_id().substr(0, 8);
    return absl::NotFoundError(
        fmt::format("the agent has no evidence of build {}, which {}: it keeps config.log of a step that failed\n  "
                    "try: wasmctl logs {}",
                    id, StateOf(build), id));
  }
  auto view = MakeView(OutputMode::kPlain);
  for (const auto& [target, blobs] : files) {
    // Beside the products, never among them: they are of another build, and whole.
    ASSIGN_OR_RETURN(const std::string folder, OutputFolder(checkout.path, flags.out, target + ".failed"));
    RETURN_IF_ERROR_CTX(FetchFiles(connection.blobs(), blobs, folder), fmt::format("fetch the evidence of {}", target));
    for (const NamedBlob& blob : blobs) {
      view->Note(fmt::format("{}: {}/{} ({})", target, folder, Printable(blob.path), FormatBytes(blob.digest.size)));
    }
  }
  return kSucceeded;
}

CommandResult FetchBuildDirectory(AgentConnection& connection, const wasmagent::v1::Build& build, const Flags& flags) {
  ASSIGN_OR_RETURN(auto kept, KeepBuildDirectory(connection, build.request().build_id(), flags.target));
  ASSIGN_OR_RETURN(content::Digest root, content::Digest::FromProto(kept.root()));
  ASSIGN_OR_RETURN_CTX(FetchStatistics got, FetchArtifacts(connection.blobs(), root, flags.out, ""),
                       fmt::format("fetch the build dir of {}", kept.target()));
  MakeView(OutputMode::kPlain)
      ->Note(fmt::format("{}: {} of {} in {} ({} fetched, {})", Printable(kept.target()), Count(kept.files(), "file"),
                         Printable(kept.build_directory()), flags.out, got.fetched_files,
                         FormatBytes(got.fetched_bytes)));
  return kSucceeded;
}

CommandResult FetchProducts(AgentConnection& connection, const Checkout& checkout, wasmagent::v1::Build build,
                            const Flags& flags) {
  auto& all = *build.mutable_artifacts();
  all.erase(std::remove_if(all.begin(), all.end(),
                           [&](const auto& one) { return !flags.target.empty() && one.target() != flags.target; }),
            all.end());
  std::vector<wasmagent::v1::TestResults> tests;
  for (const auto& results : build.test_results()) {
    if (flags.target.empty() || results.target() == flags.target) tests.push_back(results);
  }
  if (build.artifacts().empty() && tests.empty()) {
    const std::string id = build.request().build_id().substr(0, 8);
    return absl::NotFoundError(fmt::format("build {} has no artifacts{}: it {}\n  try: wasmctl show {}", id,
                                           flags.target.empty() ? "" : " of " + flags.target, StateOf(build), id));
  }
  auto view = MakeView(OutputMode::kPlain);
  RETURN_IF_ERROR(FetchBuild(connection, checkout, build, flags.out, view.get()));
  RETURN_IF_ERROR(FetchTestReports(connection, checkout, tests, flags.out, *view));
  return kSucceeded;
}

CommandResult FetchCommand(const CommandContext& context, const Flags& flags) {
  if (flags.build_dir && flags.out.empty()) {
    return absl::InvalidArgumentError("a build dir is no product: say where it goes with --out DIR");
  }
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto connection, context.Connect(checkout));
  ASSIGN_OR_RETURN(auto build, FindBuildOrNewest(*connection, checkout, flags.id));
  if (build.request().checkout().id() != checkout.id && flags.out.empty()) {
    return absl::InvalidArgumentError("that build is of another checkout: say where its files go with --out DIR");
  }
  if (flags.build_dir) return FetchBuildDirectory(*connection, build, flags);
  if (flags.evidence) return FetchEvidence(*connection, checkout, build, flags);
  return FetchProducts(*connection, checkout, build, flags);
}

}  // namespace

void AddFetch(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      AddSubcommand(app, context, "fetch", "Fetch a build's artifacts again, or what explains its failure",
                    [&context, flags] { return FetchCommand(context, *flags); });
  AddIdArgument(*command, flags->id);
  command->add_option(
      "--out", flags->out,
      "Put each target's artifacts into DIR/TARGET, evidence into DIR/TARGET.failed, a build dir into DIR");
  auto* evidence = command->add_flag("--evidence", flags->evidence,
                                     "What the agent kept of a failure, config.log: into builddir/TARGET.failed");
  command
      ->add_flag("--build-dir", flags->build_dir,
                 "The whole build dir as the build left it, while no other build has used it; needs --out")
      ->excludes(evidence);
  command->add_option("--target,-t", flags->target,
                      "Of this target alone (a build dir by default: of the one that failed, or the only one)");
}

}  // namespace wasmagent::client
