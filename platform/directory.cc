#include "platform/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <set>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::platform {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

absl::Status RemoveEntries(int dir_fd);

// Gives the owner access to a folder, and to nothing else: fchmodat follows a link, so the folder is held by a
// descriptor that was not opened through one.
bool MakeAccessible(int dir_fd, const std::string& name) {
  auto folder = OpenAt(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  return folder.ok() && ::chmod(fmt::format("/proc/self/fd/{}", folder->get()).c_str(), 0700) == 0;
}

absl::Status RemoveEntry(int dir_fd, const std::string& name) {
  if (::unlinkat(dir_fd, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM && errno != EACCES) return ErrnoStatus(errno, name);
  int unlink_error = errno;
  auto child = OpenAt(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  // A build may leave folders that even their owner cannot enter or empty.
  if (!child.ok() && MakeAccessible(dir_fd, name)) {
    child = OpenAt(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  }
  if (!child.ok()) return unlink_error == EISDIR ? child.status() : ErrnoStatus(unlink_error, name);
  (void)::fchmod(child->get(), 0700);
  RETURN_IF_ERROR_CTX(RemoveEntries(child->get()), name);
  if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) return ErrnoStatus(errno, name);
  return absl::OkStatus();
}

absl::Status RemoveEntries(int dir_fd) {
  ASSIGN_OR_RETURN(auto entries, ListDirectory(dir_fd));
  for (const DirectoryEntry& entry : entries) RETURN_IF_ERROR(RemoveEntry(dir_fd, entry.name));
  return absl::OkStatus();
}

absl::Status AddDiskUse(int dir_fd, std::set<std::pair<dev_t, ino_t>>& linked, uint64_t& sum) {
  ASSIGN_OR_RETURN(auto entries, ListDirectory(dir_fd));
  for (const DirectoryEntry& entry : entries) {
    struct stat info;
    if (::fstatat(dir_fd, entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone meanwhile
    if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !linked.insert({info.st_dev, info.st_ino}).second) continue;
    sum += static_cast<uint64_t>(info.st_blocks) * 512;
    if (!S_ISDIR(info.st_mode)) continue;
    auto child = OpenAt(dir_fd, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (child.ok()) RETURN_IF_ERROR(AddDiskUse(child->get(), linked, sum));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MakeDirectories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
  int error = errno;
  if (error == ENOENT) {
    auto slash = path.find_last_not_of('/');
    slash = path.rfind('/', slash);
    if (slash == std::string::npos || slash == 0) return ErrnoStatus(error, path);
    RETURN_IF_ERROR(MakeDirectories(path.substr(0, slash), mode));
    if (::mkdir(path.c_str(), mode) == 0) return absl::OkStatus();
    error = errno;
  }
  struct stat info;
  if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return absl::OkStatus();
  return ErrnoStatus(error, path);
}

absl::StatusOr<ScopedFd> MakeDirectoriesBeneath(int dir_fd, const std::string& path, InTheWay in_the_way, mode_t mode) {
  ASSIGN_OR_RETURN(ScopedFd at, OpenAt(dir_fd, ".", O_RDONLY | O_DIRECTORY));
  for (size_t begin = 0; begin < path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    if (name.empty() || name == ".") continue;
    if (name == "..") return absl::InvalidArgumentError(fmt::format("{}: not a plain relative path", path));
    if (::mkdirat(at.get(), name.c_str(), mode) != 0 && errno != EEXIST) return ErrnoStatus(errno, path);
    auto next = OpenAt(at.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!next.ok()) {
      struct stat info;
      if (::fstatat(at.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return ErrnoStatus(errno, path);
      if (S_ISDIR(info.st_mode)) return next.status();
      if (in_the_way == InTheWay::kRefuse) {
        return absl::FailedPreconditionError(
            fmt::format("{}: {} is a {}, not a folder", path, name, S_ISLNK(info.st_mode) ? "link" : "file"));
      }
      RETURN_IF_ERROR(RemoveEntry(at.get(), name));
      if (::mkdirat(at.get(), name.c_str(), mode) != 0) return ErrnoStatus(errno, path);
      next = OpenAt(at.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      RETURN_IF_ERROR(next.status());
    }
    at = *std::move(next);
  }
  return at;
}

absl::Status RemoveTree(const std::string& path) { return RemoveTreeAt(AT_FDCWD, path); }

absl::Status RemoveTreeAt(int dir_fd, const std::string& path) {
  RETURN_IF_ERROR_CTX(RemoveEntry(dir_fd, path), "remove");
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(int dir_fd) {
  // fdopendir takes the descriptor and its position, so it gets one of its own.
  int own = ::openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return ErrnoStatus(errno, "open folder");
  std::unique_ptr<DIR, CloseDir> dir(::fdopendir(own));
  if (dir == nullptr) {
    int error = errno;
    ::close(own);
    return ErrnoStatus(error, "fdopendir");
  }
  std::vector<DirectoryEntry> entries;
  while (true) {
    errno = 0;
    dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) {
      if (errno != 0) return ErrnoStatus(errno, "readdir");
      return entries;
    }
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    entries.push_back({entry->d_name, entry->d_type});
  }
}

absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(const std::string& path) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  ASSIGN_OR_RETURN_CTX(auto entries, ListDirectory(fd.get()), path);
  return entries;
}

absl::StatusOr<uint64_t> DiskUse(const std::string& path) {
  ASSIGN_OR_RETURN(ScopedFd fd, OpenAt(AT_FDCWD, path, O_RDONLY | O_DIRECTORY));
  std::set<std::pair<dev_t, ino_t>> linked;
  uint64_t sum = 0;
  RETURN_IF_ERROR_CTX(AddDiskUse(fd.get(), linked, sum), path);
  return sum;
}

absl::StatusOr<uint64_t> FreeBytes(const std::string& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, path);
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

absl::StatusOr<std::string> MakeTemporaryDirectory(const std::string& parent, const std::string& prefix) {
  std::string path = parent + "/" + prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return ErrnoStatus(errno, path);
  return path;
}

}  // namespace wasmagent::platform
