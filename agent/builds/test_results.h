// What came of a target's own tests, from the report that they left.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/builds/ending.h"
#include "agent/pipeline/test_report.h"
#include "agent/store/blob_store.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::builds {

// A report that was read and stored.
struct KeptTestResults {
  wasmagent::v1::TestResults message;
  pipeline::TestReport report;
  store::Lease lease;
};

// Reads and stores the report of `target` at `path`; nothing when there is none. INVALID_ARGUMENT, and nothing is
// stored, for a file that is no report or has more than 64 MiB. The store's errors are returned.
absl::StatusOr<std::optional<KeptTestResults>> KeepTestResults(const std::string& path, const std::string& target,
                                                               store::BlobStore& store);

// Makes the failed tests the cause of a build that failed in the step that ran them: the first one's name comes first.
// Leaves other endings as they are, and those where the report names no failure.
void ExplainByTests(const pipeline::TestReport& report, Ending& ending);

}  // namespace wasmagent::builds
