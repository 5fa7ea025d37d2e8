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
#include "platform/directory.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::workspace {

// What is known of a workspace without opening it.
struct WorkspaceInfo {
  std::string name;
  wasmagent::v1::Checkout checkout;
  content::Digest root;
  bool busy = false;
  absl::Time last_use;
  bool flushed = false;  // all of it is on the disk
  std::string build_id;  // of the build that used it last, or uses it
};

// The kernel's name for the time since the machine was started; empty when it says none.
std::string BootId();

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
  // Why it is a new one, a sentence; empty for a warm one.
  const std::string& reason() const { return reason_; }
  std::string source() const { return directory_ + "/src"; }
  std::string temporary() const { return directory_ + "/tmp"; }

  // Brings source() to the tree. After an error the workspace must not be kept.
  absl::Status Sync(store::BlobStore& store, const content::Digest& root, SyncStats* stats,
                    const SyncProgress& progress = {});

  // Empties source(), for builds that leave their products among the source files, and forgets all marks; a Sync must
  // follow.
  absl::Status Reset();

  // The folders of a build, by their paths relative to source(). A build may leave links anywhere below it; none is
  // followed here, so that nothing outside is made or removed.
  // True when all of the path are folders.
  bool HasFolder(const std::string& path) const;
  // Opens a file to read it. NOT_FOUND when there is none, whatever else is in its place.
  absl::StatusOr<platform::ScopedFd> OpenFile(const std::string& path) const;
  // Makes it with those above it.
  absl::Status MakeFolder(const std::string& path, platform::InTheWay in_the_way);
  // Removes it with all that is in it.
  absl::Status RemoveFolder(const std::string& path);

  // Puts a symbolic link to `target` at `path` below temporary(), with the folders above it; what is there goes.
  absl::Status LinkTemporary(const std::string& path, const std::string& target);

  // Paths of the files and links below `folder` ("." for all), relative to it, of the tree that source() was brought
  // to.
  absl::StatusOr<absl::flat_hash_set<std::string>> SourcePaths(const std::string& folder) const;

  // What was remembered under a name, such as what its build dirs hold; empty when nothing was. Gone with what it
  // describes: a Sync that finds the folder damaged, and Reset, forget all marks. At most 1 MiB.
  std::string Mark(const std::string& name) const;
  // Remembers it; an empty value forgets.
  absl::Status SetMark(const std::string& name, const std::string& value);

  // Keeps the workspace for the next build.
  void Keep() { keep_ = true; }

 private:
  friend class WorkspacePool;
  Workspace(WorkspacePool& pool, std::string name, std::string directory, bool warm)
      : pool_(pool), name_(std::move(name)), directory_(std::move(directory)), warm_(warm) {}
  absl::StatusOr<platform::ScopedFd> OpenSource() const;

  WorkspacePool& pool_;
  const std::string name_;
  const std::string directory_;
  const bool warm_;
  std::string reason_;
  bool borrowed_ = false;  // reopened: given back as it was
  bool keep_ = false;
  content::Digest root_;
};

// Owns the folder of workspaces. Thread-safe. A workspace's state file says "ready" only between builds; whatever else
// is found at start is removed. So is what was ready when the machine went down, unless it had been flushed: a power
// cut leaves objects that are empty and newer than their sources, which make would take for built.
class WorkspacePool {
 public:
  static absl::StatusOr<std::unique_ptr<WorkspacePool>> Open(const std::string& directory, size_t limit,
                                                             const platform::Clock& clock,
                                                             const std::string& boot_id = BootId());
  // As Flush.
  ~WorkspacePool();

  // A workspace for this checkout: a free warm one of it, else a new one, for which the least recently used free one
  // goes when the limit is reached. Never waits: a busy workspace is not waited for.
  absl::StatusOr<std::unique_ptr<Workspace>> Acquire(const wasmagent::v1::Checkout& checkout,
                                                     const std::string& build_id = "");
  // The workspace as this build left it, for reading: it stays what it is, whatever becomes of it here. NOT_FOUND when
  // it is gone, FAILED_PRECONDITION when it is in use or another build has used it since.
  absl::StatusOr<std::unique_ptr<Workspace>> Reopen(const std::string& name, const std::string& build_id);

  std::vector<WorkspaceInfo> List() const;
  // Takes the most recently used free workspace of a checkout out for reading. NOT_FOUND; UNAVAILABLE when it is busy.
  absl::StatusOr<content::Digest> Verify(const std::string& checkout_id, WorkspaceInfo* info,
                                         std::vector<std::string>* differences);
  // Removes all that are not busy; returns how many.
  absl::StatusOr<uint64_t> RemoveIdle();
  // Removes the one of them that was used least recently; false when there is none.
  absl::StatusOr<bool> RemoveOneIdle();
  // Flushes the disk when builds have left something to flush; what is ready then outlives a power cut. For quiet
  // moments: it waits for everybody's writes.
  absl::Status Flush();
  const std::string& directory() const { return directory_; }

 private:
  friend class Workspace;
  WorkspacePool(std::string directory, size_t limit, const platform::Clock& clock, std::string boot_id)
      : directory_(std::move(directory)), limit_(limit), clock_(clock), boot_id_(std::move(boot_id)) {}
  absl::Status LoadExisting();
  std::optional<WorkspaceInfo> ReadState(const std::string& name) const;
  absl::Status WriteState(const WorkspaceInfo& info, bool durable = false) const;
  void GiveBack(Workspace& workspace);
  absl::Status Discard(const std::string& name) const;
  std::optional<std::string> TakeLeastRecentlyUsed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string directory_;
  const size_t limit_;
  const platform::Clock& clock_;
  const std::string boot_id_;
  mutable absl::Mutex mutex_;
  std::map<std::string, WorkspaceInfo> workspaces_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace wasmagent::workspace
