#include "client/view/why_text.h"

#include <algorithm>

#include "client/view/build_view.h"
#include "fmt/format.h"

namespace wasmagent::client {
namespace {

using wasmagent::v1::Build;
using wasmagent::v1::BuildEvent;
using wasmagent::v1::BuildReport;
using wasmagent::v1::StepReport;

std::string Opening(const Build& build) {
  const std::string id = build.request().build_id().substr(0, 8);
  if (build.state() == wasmagent::v1::BUILD_STATE_QUEUED) return fmt::format("build {} is waiting\n", id);
  if (build.state() == wasmagent::v1::BUILD_STATE_RUNNING) return fmt::format("build {} is running; so far:\n", id);
  wasmagent::v1::Ended ended;
  ended.set_outcome(build.outcome());
  *ended.mutable_cause() = build.cause();
  return DescribeEnd(build.request().build_id(), ended, {build.evidence().begin(), build.evidence().end()}) + "\n";
}

std::string WorkspaceLine(const BuildReport& report) {
  if (!report.has_started()) return "";
  // The sync knows better: what was to be warm may have been damaged.
  const bool warm = report.has_synced() ? report.synced().warm() : report.started().warm();
  if (warm)
    return fmt::format("workspace  {}, warm: an earlier build of the checkout left it\n", report.started().workspace());
  const std::string& reason = report.synced().reason();
  return fmt::format("workspace  {}, new{}\n", report.started().workspace(), reason.empty() ? "" : ": " + reason);
}

std::string PathLines(const char* what, const google::protobuf::RepeatedPtrField<std::string>& paths, uint64_t all) {
  std::string text;
  for (const std::string& path : paths) text += fmt::format("  {:<9}{}\n", what, Printable(path));
  uint64_t listed = static_cast<uint64_t>(paths.size());
  if (all > listed) text += fmt::format("  {:<9}{} more\n", what, all - listed);
  return text;
}

std::string SourceLines(const BuildReport& report) {
  if (!report.has_synced()) return "";
  const auto& synced = report.synced();
  if (!synced.warm()) return fmt::format("sources    {}, all of them new there\n", Count(synced.files(), "file"));
  if (synced.changed() + synced.added() + synced.removed() + synced.restored() == 0) {
    return fmt::format("sources    {}, none of them changed\n", Count(synced.files(), "file"));
  }
  std::string text = fmt::format("sources    {}: {} changed, {} added, {} removed", Count(synced.files(), "file"),
                                 synced.changed(), synced.added(), synced.removed());
  if (synced.restored() > 0) text += fmt::format(", {} restored that a build had modified", synced.restored());
  return text + "\n" + PathLines("changed", synced.changed_paths(), synced.changed()) +
         PathLines("added", synced.added_paths(), synced.added()) +
         PathLines("removed", synced.removed_paths(), synced.removed()) +
         PathLines("restored", synced.restored_paths(), synced.restored());
}

std::string Title(const StepReport& step) { return step.started().target() + "/" + step.started().name(); }

std::string StepText(const StepReport& step) {
  if (!step.has_ended()) return "has not ended";
  const auto& ended = step.ended();
  if (ended.skipped()) return DescribeStepEnd(ended);
  std::string text = DescribeStepEnd(ended);
  if (DescribeCounts(ended).empty()) text += "; nothing compiled, as far as its output shows";
  if (ended.peak_memory_bytes() > 0)
    text += fmt::format("; largest process {}", FormatBytes(ended.peak_memory_bytes()));
  return text;
}

std::string StepLines(const BuildReport& report) {
  size_t width = 0;
  for (const StepReport& step : report.steps()) width = std::max(width, Title(step).size());
  std::string text = report.steps().empty() ? "" : "steps\n";
  for (const StepReport& step : report.steps())
    text += fmt::format("  {:<{}}  {}\n", Title(step), width, StepText(step));
  return text;
}

}  // namespace

void AddToReport(const BuildEvent& event, BuildReport& report) {
  switch (event.event_case()) {
    case BuildEvent::kStarted:
      report.clear_synced();
      report.clear_steps();
      *report.mutable_started() = event.started();
      break;
    case BuildEvent::kSynced:
      *report.mutable_synced() = event.synced();
      break;
    case BuildEvent::kStepStarted:
      *report.add_steps()->mutable_started() = event.step_started();
      break;
    case BuildEvent::kStepEnded:
      for (StepReport& step : *report.mutable_steps()) {
        if (step.started().step() == event.step_ended().step()) *step.mutable_ended() = event.step_ended();
      }
      break;
    case BuildEvent::kNotice:
      *report.add_notices() = event.notice();
      break;
    default:
      break;
  }
}

std::string WhyText(const BuildReport& report) {
  std::string text = Opening(report.build());
  for (const auto& notice : report.notices()) text += fmt::format("notice     {}\n", Printable(notice.text()));
  return text + WorkspaceLine(report) + SourceLines(report) + StepLines(report);
}

}  // namespace wasmagent::client
