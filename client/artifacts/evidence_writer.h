// Bringing single files, what explains a failure above all, into a folder.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "content/digest.h"
#include "content/transfer/blob_transfer.h"

namespace wasmagent::client {

// A file to fetch; `path` is relative to the folder.
struct NamedBlob {
  std::string path;
  content::Digest digest;
};

// Fetches the files into `folder`, which is made where it is missing: each is checked, and renamed into place when all
// have arrived; files that were there before are replaced, others left alone. Follows no link below `folder`. DATA_LOSS
// for a path that leaves it.
absl::Status FetchFiles(content::BlobTransfer& transfer, const std::vector<NamedBlob>& files,
                        const std::string& folder);

}  // namespace wasmagent::client
