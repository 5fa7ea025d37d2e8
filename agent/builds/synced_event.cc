#include "agent/builds/synced_event.h"

#include <vector>

namespace wasmagent::builds {

wasmagent::v1::Synced SyncedEvent(const workspace::SyncStats& stats, bool warm, const std::string& reason) {
  wasmagent::v1::Synced synced;
  synced.set_warm(warm && !stats.renewed);
  synced.set_reason(stats.renewed ? "what the build before had left in it was damaged" : reason);
  synced.set_files(stats.files);
  synced.set_changed(stats.changes.changed);
  synced.set_added(stats.changes.added);
  synced.set_removed(stats.changes.removed);
  synced.set_restored(stats.restored);
  // That a new workspace got every file goes without saying.
  size_t room = synced.warm() ? workspace::kMostListedPaths : 0;
  auto list = [&room](const std::vector<std::string>& from, google::protobuf::RepeatedPtrField<std::string>& to) {
    for (const std::string& path : from) {
      if (room == 0) return;
      *to.Add() = path;
      --room;
    }
  };
  list(stats.changes.changed_paths, *synced.mutable_changed_paths());
  list(stats.changes.added_paths, *synced.mutable_added_paths());
  list(stats.changes.removed_paths, *synced.mutable_removed_paths());
  list(stats.restored_paths, *synced.mutable_restored_paths());
  return synced;
}

}  // namespace wasmagent::builds
