#include "agent/builds/test_results.h"

#include <utility>

#include "content/digest.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

// CPython's whole suite writes 10 MB.
constexpr uint64_t kLargestReport = 64 << 20;

}  // namespace

absl::StatusOr<std::optional<KeptTestResults>> KeepTestResults(const std::string& path, const std::string& target,
                                                               store::BlobStore& store) {
  auto xml = platform::ReadRegularFile(path, kLargestReport);
  if (absl::IsNotFound(xml.status())) return std::nullopt;
  if (!xml.ok()) return absl::InvalidArgumentError(xml.status().message());
  KeptTestResults kept;
  ASSIGN_OR_RETURN(kept.report, pipeline::ReadTestReport(*xml));
  const content::Digest digest = content::Digest::Of(*xml);
  kept.lease = store.LeaseBlobs({digest});
  RETURN_IF_ERROR(store.PutOne(digest, *xml));
  kept.message.set_target(target);
  kept.message.set_summary(kept.report.Summary());
  kept.message.set_tests(kept.report.tests);
  kept.message.set_failed(kept.report.failed);
  kept.message.set_skipped(kept.report.skipped);
  const int64_t seconds = absl::ToInt64Seconds(kept.report.time);
  kept.message.mutable_time()->set_seconds(seconds);
  kept.message.mutable_time()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(kept.report.time - absl::Seconds(seconds))));
  for (const pipeline::FailedTest& failure : kept.report.failures) kept.message.add_failures(failure.name);
  *kept.message.mutable_report() = digest.ToProto();
  return kept;
}

void ExplainByTests(const pipeline::TestReport& report, Ending& ending) {
  if (ending.outcome != wasmagent::v1::OUTCOME_FAILED || !ending.cause || report.failures.empty()) return;
  const pipeline::FailedTest& first = report.failures.front();
  const std::string more = report.failed > 1 ? fmt::format(" and {} more", report.failed - 1) : "";
  ending.cause->set_summary(fmt::format("{} failed{} ({})", first.name, more, report.Summary()));
  ending.cause->set_excerpt(first.message.empty() ? "" : first.message + "\n");
  ending.cause->set_advice("");
}

}  // namespace wasmagent::builds
