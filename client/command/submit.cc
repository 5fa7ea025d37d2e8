#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "CLI/CLI.hpp"
#include "absl/time/clock.h"
#include "client/command/commands.h"
#include "client/command/exit_code.h"
#include "client/command/request_flags.h"
#include "client/command/subcommand.h"
#include "client/command/watch_loop.h"
#include "client/session/build_session.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// A checkout that changes under the scan is scanned again this often.
constexpr int kScanAttempts = 3;

struct SubmitFlags {
  RequestFlags request;
  std::string out;
  std::string output;
  bool detach = false;
};

// What was moved for a submit. The counts go on from one stage to the next; each round of sending begins at zero.
struct Moved {
  uint64_t blobs = 0, bytes = 0, imported = 0;
  SendProgress last;

  void Take(const SendProgress& now) {
    if (now.blobs_done < last.blobs_done) last = SendProgress();
    uint64_t more = now.blobs_done - last.blobs_done;
    if (now.stage == SendProgress::Stage::kImporting) {
      imported += more;
    } else {
      blobs += more;
      bytes += now.bytes_done - std::min(last.bytes_done, now.bytes_done);
    }
    last = now;
  }
};

std::string SendingText(const SendProgress& now) {
  const char* activity = now.stage == SendProgress::Stage::kImporting ? "the agent reads the checkout" : "sending";
  return fmt::format("{} {} files, {} of {}", activity, ProgressBar(now.blobs_done, now.blobs_total),
                     FormatBytes(now.bytes_done), FormatBytes(now.bytes_total));
}

absl::StatusOr<wasmagent::v1::Build> ScanAndStart(AgentConnection& connection, const Checkout& checkout,
                                                  wasmagent::v1::BuildRequest& request, BuildView& view) {
  for (int attempt = 1;; ++attempt) {
    absl::Time start = absl::Now();
    absl::StatusOr<wasmagent::v1::Build> build = absl::UnknownError("");
    view.Status("scanning the checkout");
    auto scanned = ScanAndWarn(checkout, &view);
    Moved sent;
    if (scanned.ok()) {
      absl::Duration scan_time = absl::Now() - start;
      *request.mutable_root() = scanned->tree.root.ToProto();
      build = Submit(connection, request, TreeOf(checkout, *scanned), [&](const SendProgress& progress) {
        sent.Take(progress);
        view.Status(SendingText(progress));
      });
      if (build.ok()) {
        view.Note(fmt::format("build {} of {} ({}), scanned in {} ms; sent {} ({}), {} read in place",
                              request.build_id().substr(0, 8), Count(scanned->tree.files, "file"),
                              FormatBytes(scanned->tree.bytes), absl::ToInt64Milliseconds(scan_time),
                              Count(sent.blobs, "blob"), FormatBytes(sent.bytes), Count(sent.imported, "file")));
      }
    } else {
      build = scanned.status();
    }
    if (!absl::IsAborted(build.status())) return build;
    if (attempt == kScanAttempts) {
      return platform::Annotate(build.status(), fmt::format("the checkout kept changing through {} scans", attempt));
    }
    view.Note(fmt::format("{}; starting over", std::string(build.status().message())));
  }
}

// Before the build, not after it: a folder that cannot be written would cost the whole build.
absl::Status PrepareOutput(const Checkout& checkout, const std::string& out) {
  if (out.empty()) return absl::OkStatus();
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(out, 0777), "--out");
  if (::access(out.c_str(), W_OK) != 0) return platform::ErrnoStatus(errno, "--out " + out);
  std::error_code error;
  std::string inside = std::filesystem::canonical(out, error).lexically_relative(checkout.path).string();
  if (!error && !inside.empty() && !inside.starts_with("..") && !inside.starts_with("builddir")) {
    std::fprintf(stderr,
                 "wasmctl: --out lies in the checkout: what is put there is a source of the next build, unless git or "
                 ".wasmignore ignores it\n");
  }
  return absl::OkStatus();
}

CommandResult SubmitCheckout(const CommandContext& context, const SubmitFlags& flags) {
  ASSIGN_OR_RETURN(OutputMode mode, context.Mode(flags.output));
  ASSIGN_OR_RETURN(Checkout checkout, context.OpenCheckout());
  ASSIGN_OR_RETURN(auto request, MakeRequest(flags.request, checkout));
  request.set_build_id(NewBuildId());
  RETURN_IF_ERROR(PrepareOutput(checkout, flags.out));
  auto view = MakeView(mode);
  std::unique_ptr<AgentConnection> connection;
  absl::StatusOr<wasmagent::v1::Build> started = absl::UnknownError("");
  {
    // A signal may come while the agent's answer is on its way: then it has the build, and nobody here knows.
    EndOnSignal end_on_signal(
        fmt::format("\nwasmctl: interrupted; should the agent have accepted the build already: wasmctl cancel {}\n",
                    request.build_id().substr(0, 8)));
    ASSIGN_OR_RETURN(connection, context.Connect(checkout));
    started = ScanAndStart(*connection, checkout, request, *view);
  }
  if (!started.ok()) {
    view->Close();
    return started.status();
  }
  if (flags.detach) {
    view->Close();
    std::printf("%s\n", request.build_id().c_str());
    return kSucceeded;
  }
  return WatchAndFetch(*connection, checkout, request.build_id(), flags.out, mode, *view);
}

// Only who chose to detach has what was wanted: a script must not take a watch that was cut off for a success.
int AfterDetach(const std::string& id, const BuildEnd& end) {
  if (end.cancel_requested) {
    std::fprintf(stderr, "wasmctl: the agent is still ending the build\n  wasmctl show %s\n", id.c_str());
    return kCancelled;
  }
  std::fprintf(stderr, "wasmctl: detached; the build goes on\n  wasmctl watch %s\n", id.c_str());
  return end.signal == 0 ? kSucceeded : 128 + end.signal;
}

// ", ccache served 458 of 685 (67 %)", after a success; empty where nothing was compiled through it.
std::string CacheSummary(const BuildEnd& end) {
  const uint64_t all = end.cache_hits + end.cache_misses;
  if (all == 0 || end.ended.outcome() != wasmagent::v1::OUTCOME_SUCCEEDED) return "";
  return fmt::format(", ccache served {} of {} ({} %)", end.cache_hits, all, end.cache_hits * 100 / all);
}

}  // namespace

CommandResult WatchAndFetch(AgentConnection& connection, const Checkout& checkout, const std::string& build_id,
                            const std::string& out, OutputMode mode, BuildView& view) {
  ASSIGN_OR_RETURN(BuildEnd end, WatchToEnd(connection, build_id, view));
  if (end.detached) return AfterDetach(build_id.substr(0, 8), end);
  // From here on Ctrl-C ends the program; what is being put in place is put there whole.
  UnblockWatchSignals();
  if (end.ended.outcome() == wasmagent::v1::OUTCOME_SUCCEEDED) {
    wasmagent::v1::Build build;
    for (const auto& artifacts : end.artifacts) *build.add_artifacts() = artifacts;
    RETURN_IF_ERROR(FetchBuild(connection, checkout, build, out, &view));
  }
  // After the artifacts, which take the whole folder; also of tests that failed.
  RETURN_IF_ERROR(FetchTestReports(connection, checkout, end.test_results, out, view));
  if (mode != OutputMode::kJson) {
    std::fprintf(stderr, "%s%s\n", DescribeEnd(build_id, end.ended, end.evidence).c_str(), CacheSummary(end).c_str());
  }
  return ExitCodeOf(end.ended.outcome());
}

void AddSubmit(CLI::App& app, CommandContext& context) {
  auto flags = std::make_shared<SubmitFlags>();
  CLI::App* command = app.add_subcommand("submit", "Build targets of the checkout and bring back what they make");
  AddAgentFlags(*command, context);
  AddRequestFlags(*command, flags->request);
  command->add_option("--out", flags->out,
                      "Put each target's artifacts into DIR/TARGET (default: builddir/TARGET of the checkout)");
  command->add_flag("--detach", flags->detach, "Print the build's id and leave");
  command->add_option("--output", flags->output, "live, plain or json");
  command->callback(
      [&context, flags] { context.action = [&context, flags] { return SubmitCheckout(context, *flags); }; });
}

}  // namespace wasmagent::client
