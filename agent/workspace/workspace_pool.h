// The workspaces of an agent: warm ones kept for the next build of their checkout, the least recently used given up
// first.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/manifest.h"
#include "agent/workspace/tree_sync.h"
#include "platform/clock.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::workspace {

// What is known of a workspace without opening it.
struct WorkspaceInfo {
  std::string name;
  wasmagent::v1::Checkout checkout;
  content::Digest root;
  bool busy = false;
  absl::Time last_use;
};

class WorkspacePool;

// A directory that one build may use: source files below source(), build dirs among them, and temporary() beside them.
// Belongs to one build at a time; giving it back is its destruction. It is kept only if Keep() was called: whoever is
// cut short leaves a workspace that is thrown away.
class Workspace {
 public:
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const std::string& name() const { return name_; }
  // True when an earlier build of the checkout left it.
  bool warm() const { return warm_; }
  std::string source() const { return directory_ + "/src"; }
  std::string temporary() const { return directory_ + "/tmp"; }

  // Brings source() to the tree. After an error the workspace must not be kept.
  absl::Status Sync(store::BlobStore& store, const content::Digest& root, SyncStats* stats,
                    const SyncProgress& progress = {});

  // Empties source(), for builds that leave their products among the source files; a Sync must follow.
  absl::Status Reset();

  // Paths of the files and links of the tree that source() was brought to.
  absl::StatusOr<absl::flat_hash_set<std::string>> SourcePaths() const;

  // What was remembered under a name, such as the key that a target's build dir was configured with; empty when nothing
  // was. Names are target names with a word in front.
  std::string Mark(const std::string& name) const;
  // Remembers it; an empty value forgets.
  absl::Status SetMark(const std::string& name, const std::string& value);

  // Keeps the workspace for the next build.
  void Keep() { keep_ = true; }

 private:
  friend class WorkspacePool;
  Workspace(WorkspacePool& pool, std::string name, std::string directory, bool warm)
      : pool_(pool), name_(std::move(name)), directory_(std::move(directory)), warm_(warm) {}

  WorkspacePool& pool_;
  const std::string name_;
  const std::string directory_;
  const bool warm_;
  bool keep_ = false;
  content::Digest root_;
};

// Owns the folder of workspaces. Thread-safe. A workspace's state file says "ready" only between builds; whatever else
// is found at start is removed.
class WorkspacePool {
 public:
  static absl::StatusOr<std::unique_ptr<WorkspacePool>> Open(const std::string& directory, size_t limit,
                                                             const platform::Clock& clock);

  // A workspace for this checkout: a free warm one of it, else a new one, for which the least recently used free one
  // goes when the limit is reached. Never waits: a busy workspace is not waited for.
  absl::StatusOr<std::unique_ptr<Workspace>> Acquire(const wasmagent::v1::Checkout& checkout);

  std::vector<WorkspaceInfo> List() const;
  // The trees that warm workspaces were brought to.
  std::vector<content::Digest> Roots() const;
  // Takes the most recently used free workspace of a checkout out for reading. NOT_FOUND; UNAVAILABLE when it is busy.
  absl::StatusOr<content::Digest> Verify(const std::string& checkout_id, WorkspaceInfo* info,
                                         std::vector<std::string>* differences);
  // Removes all that are not busy; returns how many.
  absl::StatusOr<uint64_t> RemoveIdle();
  const std::string& directory() const { return directory_; }

 private:
  friend class Workspace;
  WorkspacePool(std::string directory, size_t limit, const platform::Clock& clock)
      : directory_(std::move(directory)), limit_(limit), clock_(clock) {}
  absl::Status LoadExisting();
  absl::Status WriteState(const WorkspaceInfo& info, bool ready) const;
  void GiveBack(Workspace& workspace);
  absl::Status Discard(const std::string& name) const;
  std::optional<std::string> TakeLeastRecentlyUsed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string directory_;
  const size_t limit_;
  const platform::Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, WorkspaceInfo> workspaces_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace wasmagent::workspace
