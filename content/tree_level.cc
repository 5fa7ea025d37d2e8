#include "content/tree_level.h"

#include <algorithm>

#include "content/tree.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

absl::Status WalkLevel(const std::vector<TreeEntry>& level, int depth, const DirectoryReader& read,
                       const std::function<absl::Status(const TreeEntry&)>& visit) {
  for (const TreeEntry& entry : level) {
    RETURN_IF_ERROR(visit(entry));
    if (entry.kind != EntryKind::kDirectory) continue;
    ASSIGN_OR_RETURN(auto below, ReadLevel(entry.digest, entry.path, depth + 1, read));
    RETURN_IF_ERROR(WalkLevel(below, depth + 1, read, visit));
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<TreeEntry> LevelOf(const reapi::Directory& directory, std::string_view folder) {
  std::string prefix(folder);
  if (!prefix.empty()) prefix.push_back('/');
  std::vector<TreeEntry> entries;
  entries.reserve(
      static_cast<size_t>(directory.files_size() + directory.directories_size() + directory.symlinks_size()));
  for (const auto& file : directory.files()) {
    entries.push_back({prefix + file.name(), file.is_executable() ? EntryKind::kExecutable : EntryKind::kFile,
                       Digest::FromProto(file.digest()).value(), ""});
  }
  for (const auto& child : directory.directories()) {
    entries.push_back({prefix + child.name(), EntryKind::kDirectory, Digest::FromProto(child.digest()).value(), ""});
  }
  for (const auto& link : directory.symlinks()) {
    entries.push_back({prefix + link.name(), EntryKind::kSymlink, Digest(), link.target()});
  }
  std::sort(entries.begin(), entries.end(), [](const TreeEntry& a, const TreeEntry& b) { return a.path < b.path; });
  return entries;
}

absl::StatusOr<std::vector<TreeEntry>> ReadLevel(const Digest& digest, std::string_view folder, int depth,
                                                 const DirectoryReader& read) {
  if (depth > kMaxTreeDepth) return absl::InvalidArgumentError(fmt::format("more than {} levels deep", kMaxTreeDepth));
  auto name = [&] { return fmt::format("folder '{}', {}", folder, digest.ToString()); };
  absl::StatusOr<std::string> bytes = read(digest);
  if (!bytes.ok()) return platform::Annotate(bytes.status(), name());
  absl::StatusOr<reapi::Directory> directory = ParseDirectory(*bytes);
  if (!directory.ok()) return platform::Annotate(directory.status(), name());
  return LevelOf(*directory, folder);
}

absl::Status WalkTree(const Digest& root, const DirectoryReader& read,
                      const std::function<absl::Status(const TreeEntry&)>& visit) {
  ASSIGN_OR_RETURN(auto level, ReadLevel(root, "", 0, read));
  return WalkLevel(level, 0, read, visit);
}

absl::StatusOr<TreeEntry> FindInTree(const Digest& root, const DirectoryReader& read, std::string_view path) {
  Digest folder = root;
  size_t begin = 0;
  for (int depth = 0;; ++depth) {
    ASSIGN_OR_RETURN(auto level, ReadLevel(folder, path.substr(0, begin == 0 ? 0 : begin - 1), depth, read));
    size_t slash = path.find('/', begin);
    std::string_view wanted = path.substr(0, slash);
    auto found = std::lower_bound(level.begin(), level.end(), wanted,
                                  [](const TreeEntry& entry, std::string_view key) { return entry.path < key; });
    if (found == level.end() || found->path != wanted) {
      return absl::NotFoundError(fmt::format("{} is not in the tree", path));
    }
    if (slash == std::string_view::npos) return *found;
    if (found->kind != EntryKind::kDirectory) {
      return absl::NotFoundError(fmt::format("{} is not in the tree: {} is no folder", path, wanted));
    }
    folder = found->digest;
    begin = slash + 1;
  }
}

}  // namespace wasmagent::content
