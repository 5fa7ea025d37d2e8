// One folder of a tree as entries: what walking a tree and finding a path in it share.
#pragma once

#include <string_view>
#include <vector>

#include "content/tree.h"

namespace wasmagent::content {

// The entries of a parsed Directory that lies at `folder` ("" for the root), sorted by name.
std::vector<TreeEntry> LevelOf(const reapi::Directory& directory, std::string_view folder);

// Reads and checks the Directory at `folder`. Errors name the folder; INVALID_ARGUMENT when `depth` is above
// kMaxTreeDepth.
absl::StatusOr<std::vector<TreeEntry>> ReadLevel(const Digest& digest, std::string_view folder, int depth,
                                                 const DirectoryReader& read);

}  // namespace wasmagent::content
