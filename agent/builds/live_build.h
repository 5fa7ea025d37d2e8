// A build that has not ended: its record, its journal, those who watch it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "agent/builds/journal.h"
#include "agent/builds/record_store.h"
#include "agent/pipeline/plan.h"
#include "agent/sandbox/launcher.h"
#include "agent/store/blob_store.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::builds {

// Shared by the slot that runs the build, the service and its watchers; the last one frees it. Thread-safe.
class LiveBuild {
 public:
  LiveBuild(wasmagent::v1::Build record, std::unique_ptr<Journal> journal, RecordStore& records)
      : id_(record.request().build_id()),
        request_(record.request()),
        journal_(std::move(journal)),
        records_(records),
        record_(std::move(record)) {}

  const std::string& id() const { return id_; }
  const wasmagent::v1::BuildRequest& request() const { return request_; }
  wasmagent::v1::Build Record() const;

  // Appends an event and wakes the watchers. State changes are durable, log and progress are not. Does nothing once the
  // build has ended: the end is always the last event.
  absl::Status Emit(wasmagent::v1::BuildEvent event);
  // Changes the record; the next Update saves it.
  void Change(const std::function<void(wasmagent::v1::Build&)>& change);
  // Changes the record and saves it.
  absl::Status Update(const std::function<void(wasmagent::v1::Build&)>& change);
  // Ends the build: the last event, then the record, then the watchers learn of it. What can't be written is returned,
  // but the build has ended all the same.
  absl::Status End(wasmagent::v1::Outcome outcome, const std::optional<wasmagent::v1::Cause>& cause);
  bool ended() const;

  sandbox::StopToken& stop() { return stop_; }
  // Why it was cancelled; the first reason stays.
  void SetCancelReason(const std::string& reason);
  std::string cancel_reason() const;

  // Calls `wake` after every event from now on until the watcher is removed; it must not block. Returns a handle for
  // RemoveWatcher, after which `wake` is not running and will not be called.
  using Watcher = std::list<std::function<void()>>::iterator;
  Watcher AddWatcher(std::function<void()> wake);
  void RemoveWatcher(Watcher watcher);

  const Journal& journal() const { return *journal_; }

  // Kept from acceptance until a slot takes the build, so that it is not worked out twice.
  std::optional<pipeline::Plan> plan;
  store::Lease lease;

 private:
  void Wake();

  const std::string id_;
  const wasmagent::v1::BuildRequest request_;
  const std::unique_ptr<Journal> journal_;
  RecordStore& records_;
  sandbox::StopToken stop_;
  absl::Mutex append_mutex_;
  bool last_appended_ ABSL_GUARDED_BY(append_mutex_) = false;
  absl::Mutex save_mutex_;  // taken before mutex_: one change and its saving at a time, while mutex_ waits for no disk
  mutable absl::Mutex mutex_;
  wasmagent::v1::Build record_ ABSL_GUARDED_BY(mutex_);
  std::string cancel_reason_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Mutex watchers_mutex_;
  std::list<std::function<void()>> watchers_ ABSL_GUARDED_BY(watchers_mutex_);
};

}  // namespace wasmagent::builds
