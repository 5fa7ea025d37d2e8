#include "platform/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::platform {

absl::StatusOr<FileLock> FileLock::TryAcquire(const std::string& path) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0600));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(std::move(fd));
  if (errno == EWOULDBLOCK) return absl::UnavailableError(fmt::format("{}: locked by another process", path));
  return ErrnoStatus(errno, path);
}

absl::StatusOr<FileLock> FileLock::Acquire(const std::string& path) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0600));
  while (::flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, path);
  }
  return FileLock(std::move(fd));
}

}  // namespace wasmagent::platform
