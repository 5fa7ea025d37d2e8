// A folder without a page of its own, as a page.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/hosting/static_files.h"

namespace wasmagent::client {

// An HTML page with a link to each entry, folders first; git's own files are left out.
absl::StatusOr<std::string> FolderListing(const SiteEntry& folder);

}  // namespace wasmagent::client
