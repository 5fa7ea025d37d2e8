// A process that outlives the program that started it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "platform/scoped_fd.h"

namespace wasmagent::client {

// A running process that is not necessarily a child. Owns a pidfd, so that the number cannot come to mean another
// process.
class ProcessHandle {
 public:
  // NOT_FOUND when there is no such process.
  static absl::StatusOr<ProcessHandle> Open(pid_t pid);

  pid_t pid() const { return pid_; }
  // Waits for its end; false when `limit` passes before.
  bool WaitForEnd(absl::Duration limit) const;
  bool HasEnded() const { return WaitForEnd(absl::ZeroDuration()); }
  absl::Status Signal(int signal) const;

 private:
  ProcessHandle(pid_t pid, platform::ScopedFd fd) : pid_(pid), fd_(std::move(fd)) {}
  pid_t pid_;
  platform::ScopedFd fd_;
};

// Starts argv[0], an absolute path, in a session of its own with no terminal, "/" as working directory, no input, and
// its output appended to `log`. NOT_FOUND or PERMISSION_DENIED when it cannot be executed.
absl::StatusOr<ProcessHandle> StartDetached(const std::vector<std::string>& argv, const std::string& log);

}  // namespace wasmagent::client
