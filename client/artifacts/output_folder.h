// Where the files of a target go on this side.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace wasmagent::client {

// `out`/`target`, or builddir/`target` of the checkout when `out` is empty. The agent says which target its files are
// of, and never where they go: DATA_LOSS for a name that could lead out of the folder.
absl::StatusOr<std::string> OutputFolder(const std::string& checkout, const std::string& out,
                                         const std::string& target);

}  // namespace wasmagent::client
