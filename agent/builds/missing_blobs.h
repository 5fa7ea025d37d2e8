// The error that lists what a client must still send.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "content/digest.h"

namespace wasmagent::builds {

// FAILED_PRECONDITION with a google.rpc.PreconditionFailure payload, one violation of type MISSING for each blob. At
// most 20,000 are listed here; the wire takes fewer, and a client sends those and asks again, or asks FindMissingBlobs.
absl::Status MissingBlobsError(const std::vector<content::Digest>& missing);

// Blobs that one error lists at most.
inline constexpr size_t kMostMissingBlobs = 20000;

}  // namespace wasmagent::builds
