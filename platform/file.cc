#include "platform/file.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>
#include <vector>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::platform {
namespace {

// Bytes a read or write call moves at most: large enough that the call's cost does not show, small enough for a stack
// of concurrent copies.
constexpr size_t kChunk = 256 * 1024;

std::string ParentOf(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// For kernels without openat2: each component is opened with O_NOFOLLOW.
absl::StatusOr<ScopedFd> OpenByComponents(int dir_fd, const std::string& path, int flags, mode_t mode) {
  ScopedFd held;
  int current = dir_fd;
  size_t begin = 0;
  while (true) {
    size_t slash = path.find('/', begin);
    std::string component = path.substr(begin, slash == std::string::npos ? std::string::npos : slash - begin);
    if (component.empty() || component == "..") {
      return absl::InvalidArgumentError(fmt::format("{}: not a plain relative path", path));
    }
    bool last = slash == std::string::npos;
    int fd =
        ::openat(current, component.c_str(), (last ? flags : (O_PATH | O_DIRECTORY)) | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return ErrnoStatus(errno, path);
    held = ScopedFd(fd);
    if (last) return held;
    current = fd;
    begin = slash + 1;
  }
}

}  // namespace

absl::StatusOr<ScopedFd> OpenAt(int dir_fd, const std::string& path, int flags, mode_t mode) {
  int fd = ::openat(dir_fd, path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return ErrnoStatus(errno, path);
  return ScopedFd(fd);
}

absl::StatusOr<ScopedFd> OpenBeneath(int dir_fd, const std::string& path, int flags, mode_t mode) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof(how));
  if (fd >= 0) return ScopedFd(static_cast<int>(fd));
  // ENOSYS from an old kernel, EPERM from a seccomp filter that does not know the call.
  if (errno == ENOSYS || errno == EPERM) return OpenByComponents(dir_fd, path, flags, mode);
  return ErrnoStatus(errno, path);
}

absl::StatusOr<std::string> PathOf(int fd) {
  std::string path(PATH_MAX, '\0');
  ssize_t size = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), path.data(), path.size());
  if (size < 0) return ErrnoStatus(errno, "path of a descriptor");
  path.resize(static_cast<size_t>(size));
  return path;
}

absl::StatusOr<std::string> ReadAll(int fd, uint64_t limit) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoStatus(errno, "fstat");
  std::string bytes;
  if (S_ISREG(info.st_mode)) {
    if (static_cast<uint64_t>(info.st_size) > limit) {
      return absl::ResourceExhaustedError(fmt::format("{} bytes, at most {} are read", info.st_size, limit));
    }
    bytes.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  size_t used = 0;
  while (true) {
    // One byte more than the size shows the end with the second call, without growing the string.
    size_t room = used < static_cast<size_t>(info.st_size) ? static_cast<size_t>(info.st_size) - used + 1 : 4096;
    bytes.resize(used + room);
    ssize_t got = ::read(fd, bytes.data() + used, room);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read");
    used += static_cast<size_t>(got);
    if (used > limit) return absl::ResourceExhaustedError(fmt::format("more than {} bytes", limit));
    if (got == 0) break;
  }
  bytes.resize(used);
  return bytes;
}

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDONLY));
  ASSIGN_OR_RETURN_CTX(std::string bytes, ReadAll(fd.get(), limit), path);
  return bytes;
}

absl::StatusOr<std::string> ReadRegularFile(const std::string& path, uint64_t limit) {
  absl::StatusOr<ScopedFd> fd = OpenAt(AT_FDCWD, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat info = {};
  if (fd.ok() && ::fstat(fd->get(), &info) != 0) return ErrnoStatus(errno, path);
  // A link that is not followed is INVALID_ARGUMENT (ELOOP).
  if (absl::IsInvalidArgument(fd.status()) || (fd.ok() && !S_ISREG(info.st_mode))) {
    return absl::FailedPreconditionError(path + ": not a regular file");
  }
  RETURN_IF_ERROR(fd.status());
  ASSIGN_OR_RETURN_CTX(std::string bytes, ReadAll(fd->get(), limit), path);
  return bytes;
}

absl::StatusOr<size_t> ReadAt(int fd, char* buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    ssize_t got = ::pread(fd, buffer + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read");
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

absl::Status WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus(errno, "write");
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes, mode_t mode, bool durable) {
  std::string temporary = path + ".tmp-XXXXXX";
  int raw = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (raw < 0) return ErrnoStatus(errno, temporary);
  ScopedFd fd(raw);
  absl::Status status = WriteAll(fd.get(), bytes);
  if (status.ok() && ::fchmod(fd.get(), mode) != 0) status = ErrnoStatus(errno, "fchmod");
  if (status.ok() && durable && ::fdatasync(fd.get()) != 0) status = ErrnoStatus(errno, "fdatasync");
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) status = ErrnoStatus(errno, "rename");
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return Annotate(status, path);
  }
  return durable ? SyncDirectory(ParentOf(path)) : absl::OkStatus();
}

absl::Status CopyContents(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return absl::OkStatus();
  bool moved = false;
  while (true) {
    ssize_t put = ::copy_file_range(from, nullptr, to, nullptr, size_t{1} << 30, 0);
    if (put > 0) {
      moved = true;
      continue;
    }
    if (put == 0 && moved) return absl::OkStatus();
    if (put < 0 && errno == EINTR) continue;
    // 0 at once may be an empty file or a file system that cannot: reading tells.
    if (put < 0 && errno != EXDEV && errno != ENOSYS && errno != EOPNOTSUPP && errno != EINVAL && errno != EPERM) {
      return ErrnoStatus(errno, "copy_file_range");
    }
    break;
  }
  std::vector<char> buffer(kChunk);
  while (true) {
    ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read");
    if (got == 0) return absl::OkStatus();
    RETURN_IF_ERROR(WriteAll(to, std::string_view(buffer.data(), static_cast<size_t>(got))));
  }
}

absl::Status SyncDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace wasmagent::platform
