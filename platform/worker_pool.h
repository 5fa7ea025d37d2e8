// Threads for work that would block the thread it arrives on.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace wasmagent::platform {

// Runs work on up to `threads` threads, first come, first served. A thread is started only when work comes and none is
// idle, so that an idle pool costs nothing; when none can be started at all, the work is done on the caller's. The
// destructor runs what is queued and joins. Thread-safe.
class WorkerPool {
 public:
  explicit WorkerPool(size_t threads) : limit_(threads) {}
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void Run(std::function<void()> work);

 private:
  bool StartThread() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Serve();

  const size_t limit_;
  absl::Mutex mutex_;
  absl::CondVar wake_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  size_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace wasmagent::platform
