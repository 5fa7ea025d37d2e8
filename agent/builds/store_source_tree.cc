#include "agent/builds/store_source_tree.h"

#include <algorithm>

#include "agent/builds/missing_blobs.h"
#include "agent/pipeline/glob.h"
#include "agent/store/tree_check.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

using content::Digest;
using content::EntryKind;
using content::TreeEntry;

// Files that the planner reads are written by people; the largest, CPython's configure, has 1 MB.
constexpr uint64_t kLargestFile = 4 << 20;

// True when something below `folder` ("a/b") can match `glob`: the segments before the first wildcard decide.
bool MayMatchBelow(const std::string& glob, const std::string& folder) {
  std::string fixed = glob.substr(0, glob.find_first_of("*?["));
  std::string prefix = folder + "/";
  size_t common = std::min(fixed.size(), prefix.size());
  if (fixed.compare(0, common, prefix, 0, common) != 0) return false;
  if (prefix.size() <= fixed.size()) return true;
  // The wildcard begins inside this folder's path: "**" crosses folders, "*" only when more segments follow.
  std::string rest = glob.substr(fixed.size());
  return rest.find("**") != std::string::npos || rest.find('/') != std::string::npos;
}

}  // namespace

// The files that match so far, as a running hash of their list.
struct StoreSourceTree::Matches {
  const std::vector<std::string>& globs;
  content::Hasher hasher;
  uint64_t seen = 0;
};

absl::StatusOr<const StoreSourceTree::Folder*> StoreSourceTree::Load(const Digest& digest) const {
  auto known = folders_.find(digest);
  if (known != folders_.end()) return &known->second;
  auto bytes = store_.Read(digest);
  if (absl::IsNotFound(bytes.status())) return MissingBlobsError({digest});
  RETURN_IF_ERROR(bytes.status());
  ASSIGN_OR_RETURN(auto message, content::ParseDirectory(*bytes));
  Folder folder;
  for (const auto& node : message.files()) {
    ASSIGN_OR_RETURN(Digest content, Digest::FromProto(node.digest()));
    folder[node.name()] = {node.name(), node.is_executable() ? EntryKind::kExecutable : EntryKind::kFile, content, ""};
  }
  for (const auto& node : message.directories()) {
    ASSIGN_OR_RETURN(Digest content, Digest::FromProto(node.digest()));
    folder[node.name()] = {node.name(), EntryKind::kDirectory, content, ""};
  }
  for (const auto& node : message.symlinks())
    folder[node.name()] = {node.name(), EntryKind::kSymlink, {}, node.target()};
  return &folders_.emplace(digest, std::move(folder)).first->second;
}

absl::StatusOr<const TreeEntry*> StoreSourceTree::Find(std::string_view path) const {
  Digest folder = root_;
  while (true) {
    size_t slash = path.find('/');
    ASSIGN_OR_RETURN(const Folder* names, Load(folder));
    auto entry = names->find(std::string(path.substr(0, slash)));
    if (entry == names->end()) return nullptr;
    if (slash == std::string_view::npos) return &entry->second;
    if (entry->second.kind != EntryKind::kDirectory) return nullptr;
    folder = entry->second.digest;
    path.remove_prefix(slash + 1);
  }
}

absl::StatusOr<bool> StoreSourceTree::HasFile(std::string_view path) const {
  ASSIGN_OR_RETURN(const TreeEntry* entry, Find(path));
  return entry != nullptr && entry->kind != EntryKind::kDirectory;
}

absl::StatusOr<std::string> StoreSourceTree::ReadFile(std::string_view path) const {
  ASSIGN_OR_RETURN(const TreeEntry* entry, Find(path));
  if (!entry || (entry->kind != EntryKind::kFile && entry->kind != EntryKind::kExecutable)) {
    return absl::NotFoundError(fmt::format("the checkout has no file {}", path));
  }
  Digest digest = entry->digest;
  auto bytes = store_.Read(digest, kLargestFile);
  if (absl::IsNotFound(bytes.status())) return MissingBlobsError({digest});
  RETURN_IF_ERROR_CTX(bytes.status(), path);
  return bytes;
}

absl::Status StoreSourceTree::AddMatches(const Digest& folder, const std::string& prefix, Matches& matches) const {
  if (std::count(prefix.begin(), prefix.end(), '/') > content::kMaxTreeDepth) {
    return absl::InvalidArgumentError(fmt::format("the tree is more than {} levels deep", content::kMaxTreeDepth));
  }
  ASSIGN_OR_RETURN(const Folder* names, Load(folder));
  for (const auto& [name, entry] : *names) {
    // A plan is made of trees that nobody has checked yet.
    if (++matches.seen > store::kMostPaths) {
      return absl::InvalidArgumentError(fmt::format("the tree has more than {} files and folders", store::kMostPaths));
    }
    std::string path = prefix + name;
    if (entry.kind == EntryKind::kDirectory) {
      bool below = std::any_of(matches.globs.begin(), matches.globs.end(),
                               [&](const auto& glob) { return MayMatchBelow(glob, path); });
      if (below) RETURN_IF_ERROR(AddMatches(entry.digest, path + "/", matches));
      continue;
    }
    if (!pipeline::GlobListMatch(matches.globs, path)) continue;
    matches.hasher.Update(fmt::format("{}\n{}\n{}{}\n", path, static_cast<int>(entry.kind),
                                      entry.kind == EntryKind::kSymlink ? "" : entry.digest.ToString(), entry.target));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> StoreSourceTree::DigestOf(const std::vector<std::string>& globs) const {
  Matches matches{globs, {}, 0};
  RETURN_IF_ERROR(AddMatches(root_, "", matches));
  return matches.hasher.Finish().Hex();
}

}  // namespace wasmagent::builds
