// What changed between two trees, found by descending only where digests differ.
#pragma once

#include <functional>
#include <optional>

#include "content/tree.h"

namespace wasmagent::content {

// One difference. `before` is unset for something new, `after` for something gone; both are set for a change of
// content, of mode or of kind. Folders appear when they come or go.
struct TreeChange {
  std::string path;
  std::optional<TreeEntry> before;
  std::optional<TreeEntry> after;
};

// Calls `visit` for every difference, in path order, a folder before what is in it. Costs one read for each Directory
// that differs, on both sides.
absl::Status DiffTrees(const Digest& before, const Digest& after, const DirectoryReader& read,
                       const std::function<absl::Status(const TreeChange&)>& visit);

}  // namespace wasmagent::content
