#include "agent/builds/missing_blobs.h"

#include <algorithm>

#include "fmt/format.h"
#include "google/rpc/error_details.pb.h"

namespace wasmagent::builds {

absl::Status MissingBlobsError(const std::vector<content::Digest>& missing) {
  google::rpc::PreconditionFailure failure;
  for (size_t i = 0; i < std::min(missing.size(), kMostMissingBlobs); ++i) {
    auto* violation = failure.add_violations();
    violation->set_type("MISSING");
    violation->set_subject("blobs/" + missing[i].ToString());
  }
  absl::Status status =
      absl::FailedPreconditionError(fmt::format("{}{} blobs of the tree are missing; send them and try again",
                                                missing.size(), missing.size() >= kMostMissingBlobs ? " or more" : ""));
  status.SetPayload("type.googleapis.com/google.rpc.PreconditionFailure", absl::Cord(failure.SerializeAsString()));
  return status;
}

}  // namespace wasmagent::builds
