#include "agent/store/disk_flush.h"

#include <unistd.h>

#include "platform/status.h"

namespace wasmagent::store {

absl::Status DiskFlush::FlushAll() {
  absl::MutexLock lock(&mutex_);
  // A flush that runs already may have passed this caller's files: only one that begins from here on counts.
  const uint64_t wanted = begun_ + 1;
  while (done_ < wanted) {
    if (running_) {
      ended_.Wait(&mutex_);
      continue;
    }
    running_ = true;
    uint64_t mine = ++begun_;
    mutex_.Unlock();
    absl::Status status =
        ::syncfs(fd_) == 0 ? absl::OkStatus() : platform::ErrnoStatus(errno, "flush the store's disk");
    mutex_.Lock();
    running_ = false;
    done_ = mine;
    if (!status.ok()) {
      failed_ = mine;
      failure_ = status;
    }
    ended_.SignalAll();
  }
  return failed_ >= wanted ? failure_ : absl::OkStatus();
}

uint64_t DiskFlush::flushes() const {
  absl::MutexLock lock(&mutex_);
  return done_;
}

}  // namespace wasmagent::store
