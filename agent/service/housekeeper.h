// What an agent does when nobody asks: keeps the store within its budget, flushes what builds left, gives up uploads
// that nobody continues, and ends an agent that nobody uses.
#pragma once

#include <functional>
#include <thread>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "agent/builds/build_manager.h"
#include "agent/service/byte_stream_service.h"
#include "agent/service/server.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/workspace_pool.h"

namespace wasmagent::service {

// One thread. Borrows its parts. The destructor ends it at once.
class Housekeeper {
 public:
  // `idle_exit` of zero never ends the agent; otherwise `exit` is called once when no build has waited or run, and no
  // call was open, for so long.
  Housekeeper(store::BlobStore& store, workspace::WorkspacePool& workspaces, builds::BuildManager& manager,
              ByteStreamService& uploads, const Activity& activity, absl::Duration idle_exit,
              std::function<void()> exit);
  ~Housekeeper();

  // What one round does; errors are for the log.
  absl::Status CollectWhenOverBudget(absl::Time now);
  bool IsIdle(absl::Time now) const;

 private:
  void Run();
  void Round();

  store::BlobStore& store_;
  workspace::WorkspacePool& workspaces_;
  builds::BuildManager& manager_;
  ByteStreamService& uploads_;
  const Activity& activity_;
  const absl::Duration idle_exit_;
  const absl::Time started_;
  const std::function<void()> exit_;
  // After a collection that could not free enough: when the next one is worth its cost.
  absl::Time next_collection_ = absl::InfinitePast();
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace wasmagent::service
