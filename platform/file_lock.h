// Exclusive ownership of a folder or file between processes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "platform/scoped_fd.h"

namespace wasmagent::platform {

// Holds an exclusive flock on a file until it is destroyed; the kernel releases it when the process dies.
class FileLock {
 public:
  // Makes `path` if need be and locks it without waiting. UNAVAILABLE when another process holds it.
  static absl::StatusOr<FileLock> TryAcquire(const std::string& path);
  // The same, but waits.
  static absl::StatusOr<FileLock> Acquire(const std::string& path);

 private:
  explicit FileLock(ScopedFd fd) : fd_(std::move(fd)) {}
  ScopedFd fd_;
};

}  // namespace wasmagent::platform
