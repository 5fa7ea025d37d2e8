#include "agent/workspace/source_changes.h"

#include <algorithm>

namespace wasmagent::workspace {
namespace {

// The order of a walk: what is in a folder comes right behind it, since "/" is less than any other byte.
bool ComesBefore(const std::string& a, const std::string& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
    auto rank = [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; };
    return rank(left) < rank(right);
  });
}

bool IsFolder(const ManifestEntry& item) { return item.entry.kind == content::EntryKind::kDirectory; }

}  // namespace

SourceChanges CompareTrees(const Manifest& before, const Manifest& after) {
  SourceChanges changes;
  size_t listed = 0;
  auto note = [&listed](uint64_t& count, std::vector<std::string>& paths, const std::string& path) {
    ++count;
    if (listed == kMostListedPaths) return;
    paths.push_back(path);
    ++listed;
  };
  if (before.root == after.root) return changes;
  auto old = before.entries.begin();
  auto now = after.entries.begin();
  while (old != before.entries.end() || now != after.entries.end()) {
    const bool only_old =
        now == after.entries.end() || (old != before.entries.end() && ComesBefore(old->entry.path, now->entry.path));
    const bool only_now = !only_old && (old == before.entries.end() || ComesBefore(now->entry.path, old->entry.path));
    if (only_old) {
      if (!IsFolder(*old)) note(changes.removed, changes.removed_paths, old->entry.path);
    } else if (only_now) {
      if (!IsFolder(*now)) note(changes.added, changes.added_paths, now->entry.path);
    } else if (IsFolder(*old) != IsFolder(*now)) {
      // A file in place of a folder, or the other way round: what was in the folder is counted by itself.
      if (IsFolder(*old)) note(changes.added, changes.added_paths, now->entry.path);
      if (IsFolder(*now)) note(changes.removed, changes.removed_paths, old->entry.path);
    } else if (!IsFolder(*old) && (old->entry.kind != now->entry.kind || old->entry.digest != now->entry.digest ||
                                   old->entry.target != now->entry.target)) {
      note(changes.changed, changes.changed_paths, now->entry.path);
    }
    if (!only_now) ++old;
    if (!only_old) ++now;
  }
  return changes;
}

}  // namespace wasmagent::workspace
