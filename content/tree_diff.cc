#include "content/tree_diff.h"

#include "content/tree_level.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

using Visit = std::function<absl::Status(const TreeChange&)>;

bool SameThing(const TreeEntry& a, const TreeEntry& b) {
  return a.kind == b.kind && a.digest == b.digest && a.target == b.target;
}

// Compares two trees; holds what does not change on the way down.
class Differ {
 public:
  Differ(const DirectoryReader& read, const Visit& visit) : read_(read), visit_(visit) {}

  // Everything at and below `entry` as new (after) or gone (before).
  absl::Status VisitAll(const TreeEntry& entry, bool is_new, int depth) {
    TreeChange change{entry.path, std::nullopt, std::nullopt};
    (is_new ? change.after : change.before) = entry;
    RETURN_IF_ERROR(visit_(change));
    if (entry.kind != EntryKind::kDirectory) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto level, ReadLevel(entry.digest, entry.path, depth + 1, read_));
    for (const TreeEntry& below : level) RETURN_IF_ERROR(VisitAll(below, is_new, depth + 1));
    return absl::OkStatus();
  }

  absl::Status VisitPair(const TreeEntry& before, const TreeEntry& after, int depth) {
    if (SameThing(before, after)) return absl::OkStatus();
    bool was_folder = before.kind == EntryKind::kDirectory;
    bool is_folder = after.kind == EntryKind::kDirectory;
    if (was_folder && is_folder) return VisitFolders(before.digest, after.digest, after.path, depth + 1);
    RETURN_IF_ERROR(visit_({after.path, before, after}));
    // The folder itself was told with the change of kind; what is in it comes or goes with it.
    if (!was_folder && !is_folder) return absl::OkStatus();
    ASSIGN_OR_RETURN(auto level, ReadLevel((is_folder ? after : before).digest, after.path, depth + 1, read_));
    for (const TreeEntry& below : level) RETURN_IF_ERROR(VisitAll(below, is_folder, depth + 1));
    return absl::OkStatus();
  }

  absl::Status VisitFolders(const Digest& before, const Digest& after, std::string_view folder, int depth) {
    ASSIGN_OR_RETURN(auto old_level, ReadLevel(before, folder, depth, read_));
    ASSIGN_OR_RETURN(auto new_level, ReadLevel(after, folder, depth, read_));
    auto old_entry = old_level.begin();
    auto new_entry = new_level.begin();
    while (old_entry != old_level.end() || new_entry != new_level.end()) {
      bool has_old = old_entry != old_level.end();
      bool has_new = new_entry != new_level.end();
      int order = !has_old ? 1 : !has_new ? -1 : old_entry->path.compare(new_entry->path);
      if (order < 0) {
        RETURN_IF_ERROR(VisitAll(*old_entry++, false, depth));
      } else if (order > 0) {
        RETURN_IF_ERROR(VisitAll(*new_entry++, true, depth));
      } else {
        RETURN_IF_ERROR(VisitPair(*old_entry++, *new_entry++, depth));
      }
    }
    return absl::OkStatus();
  }

 private:
  const DirectoryReader& read_;
  const Visit& visit_;
};

}  // namespace

absl::Status DiffTrees(const Digest& before, const Digest& after, const DirectoryReader& read, const Visit& visit) {
  if (before == after) return absl::OkStatus();
  return Differ(read, visit).VisitFolders(before, after, "", 0);
}

}  // namespace wasmagent::content
