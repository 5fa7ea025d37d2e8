// Bringing a build's artifacts into an output folder: complete or not at all.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "content/digest.h"
#include "content/transfer/blob_transfer.h"

namespace wasmagent::client {

struct FetchStatistics {
  uint64_t artifacts = 0;      // files and links of the tree
  uint64_t fetched_files = 0;  // moved over the wire
  uint64_t fetched_bytes = 0;
  uint64_t removed = 0;  // were artifacts before
};

// Makes `folder` hold the artifacts of the tree `root`: fetches what differs from the last fetch into a staging folder
// inside it, and only when all is there renames each into place. Files that were changed here since are overwritten,
// those that were never artifacts are left alone, those that no longer are go. Follows no link below `folder`. One
// fetch at a time in a folder. SIGINT, SIGTERM and SIGHUP wait for the renames; one that is cut off there all the same
// is put right by the next fetch. `record` becomes the file kRecordName: it goes before the first rename and comes
// after the last, so that a folder that has it is whole.
absl::StatusOr<FetchStatistics> FetchArtifacts(content::BlobTransfer& transfer, const content::Digest& root,
                                               const std::string& folder, const std::string& record);

}  // namespace wasmagent::client
