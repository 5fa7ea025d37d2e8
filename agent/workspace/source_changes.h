// What differs between two trees of source files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/workspace/manifest.h"

namespace wasmagent::workspace {

// Paths that are listed of a comparison at most; its counts are whole.
inline constexpr size_t kMostListedPaths = 50;

// Files and links, no folders; paths in walk order.
struct SourceChanges {
  uint64_t changed = 0;  // another content, mode or kind
  uint64_t added = 0;
  uint64_t removed = 0;
  std::vector<std::string> changed_paths;
  std::vector<std::string> added_paths;
  std::vector<std::string> removed_paths;
};

// Compares what the manifests say, in one pass over both. The three lists hold kMostListedPaths together.
SourceChanges CompareTrees(const Manifest& before, const Manifest& after);

}  // namespace wasmagent::workspace
