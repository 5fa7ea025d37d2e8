// Takes what a target left behind out of its build dir into the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "agent/store/blob_store.h"

namespace wasmagent::workspace {

// The files that were taken.
struct Collected {
  content::Digest root;
  uint64_t files = 0;
  uint64_t bytes = 0;
  store::Lease lease;
};

// Decides by path, relative to the build dir, whether a file is an artifact.
using PathFilter = bool (*)(const std::vector<std::string>& globs, const std::string& path);

// Stores every file and link below `directory` that `matches` one of `globs` and is not in `sources`, children before
// parents, and returns the tree's root, leased. `sources` are the files of the tree where a target builds among them;
// one that a glob names without wildcards is taken all the same. Links are kept as links. NOT_FOUND, naming the globs,
// when a glob without wildcards matches nothing or when nothing matches at all.
absl::StatusOr<Collected> CollectArtifacts(const std::string& directory, const std::vector<std::string>& globs,
                                           PathFilter matches, const absl::flat_hash_set<std::string>& sources,
                                           store::BlobStore& store);

}  // namespace wasmagent::workspace
