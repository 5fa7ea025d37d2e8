// The planner's view of a checkout whose tree is in the store.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "agent/pipeline/source_tree.h"
#include "agent/store/blob_store.h"

namespace wasmagent::builds {

// Reads folders as they are needed and keeps them while it lives; made for one plan. Borrows the store.
// Thread-compatible.
class StoreSourceTree : public pipeline::SourceTree {
 public:
  StoreSourceTree(store::BlobStore& store, const content::Digest& root) : store_(store), root_(root) {}

  absl::StatusOr<bool> HasFile(std::string_view path) const override;
  absl::StatusOr<std::string> ReadFile(std::string_view path) const override;
  absl::StatusOr<std::string> DigestOf(const std::vector<std::string>& globs) const override;

 private:
  using Folder = std::map<std::string, content::TreeEntry>;

  absl::StatusOr<const Folder*> Load(const content::Digest& digest) const;
  absl::StatusOr<const content::TreeEntry*> Find(std::string_view path) const;
  struct Matches;
  absl::Status AddMatches(const content::Digest& folder, const std::string& prefix, Matches& matches) const;

  store::BlobStore& store_;
  const content::Digest root_;
  mutable absl::node_hash_map<content::Digest, Folder> folders_;
};

}  // namespace wasmagent::builds
