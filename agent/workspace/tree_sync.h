// Brings a folder to a tree by touching only what differs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/manifest.h"
#include "agent/workspace/source_changes.h"

namespace wasmagent::workspace {

// What a sync did, for events and tests.
struct SyncStats {
  uint64_t files = 0;                       // files and links in the tree
  uint64_t kept = 0;                        // untouched, same inode and mtime
  uint64_t written = 0;                     // new or changed
  uint64_t restored = 0;                    // modified or removed by a build, brought back
  uint64_t removed = 0;                     // no longer in the tree
  std::vector<std::string> restored_paths;  // at most kMostListedPaths, sorted
  SourceChanges changes;                    // from the tree before to this one
  bool renewed = false;                     // what an earlier build had left was damaged, and was thrown away
};

// Told how many of the files to be written are written, from several threads, one call at a time.
using SyncProgress = std::function<void(uint64_t done, uint64_t total)>;

// Brings the folder `directory` to the tree `root` of `store`, given the manifest of what is there (empty for a new
// folder), and returns the new manifest. Unchanged files keep inode and mtime. All files that are written get one and
// the same time, now: going back to an old revision is newer than its objects, and files of one revision are never
// older than each other, so that no rule that regenerates a shipped file fires. Files that the manifest does not know
// are left alone unless the tree wants their place. `directory` itself must not be a link. After an error the folder is
// in an undefined state and must be discarded.
absl::StatusOr<Manifest> SyncTree(const std::string& directory, store::BlobStore& store, const Manifest& before,
                                  const content::Digest& root, SyncStats* stats, const SyncProgress& progress = {});

// Digest of the tree that is on disk now at the paths of `manifest`, reading every byte; paths that differ from it are
// appended to `differences`, at most 100.
absl::StatusOr<content::Digest> DigestOnDisk(const std::string& directory, const Manifest& manifest,
                                             std::vector<std::string>* differences);

}  // namespace wasmagent::workspace
