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

// Levels that a walk holds open: what a build leaves may have any number, descriptors and the stack do not.
constexpr size_t kOpenLevels = 64;

// Gives the owner access to a folder, and to nothing else: fchmodat follows a link, so the folder is held by a
// descriptor that was not opened through one.
bool MakeAccessible(int dir_fd, const std::string& name) {
  auto folder = OpenAt(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  return folder.ok() && ::chmod(fmt::format("/proc/self/fd/{}", folder->get()).c_str(), 0700) == 0;
}

// Removes one folder with all below it, or one file. Folders that lie too deep are moved up into the top one, which is
// emptied until nothing was moved any more.
class Removal {
 public:
  absl::Status Remove(int dir_fd, const std::string& name) {
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
    if (level_ >= kOpenLevels) return MoveUp(dir_fd, name);
    RETURN_IF_ERROR_CTX(Empty(child->get()), name);
    if (::unlinkat(dir_fd, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) return ErrnoStatus(errno, name);
    return absl::OkStatus();
  }

 private:
  absl::Status Empty(int dir_fd) {
    if (level_ == 0) top_fd_ = dir_fd;
    ++level_;
    absl::Status status;
    do {
      if (level_ == 1) moved_ = false;
      status = EmptyOnce(dir_fd);
    } while (status.ok() && level_ == 1 && moved_);
    --level_;
    return status;
  }

  absl::Status EmptyOnce(int dir_fd) {
    ASSIGN_OR_RETURN(auto entries, ListDirectory(dir_fd));
    for (const DirectoryEntry& entry : entries) RETURN_IF_ERROR(Remove(dir_fd, entry.name));
    return absl::OkStatus();
  }

  absl::Status MoveUp(int dir_fd, const std::string& name) {
    while (::renameat(dir_fd, name.c_str(), top_fd_, fmt::format("deep-{}", next_number_++).c_str()) != 0) {
      if (errno == ENOENT) return absl::OkStatus();
      // The build's own folder or file of that name.
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) return ErrnoStatus(errno, name);
    }
    moved_ = true;
    return absl::OkStatus();
  }

  size_t level_ = 0;  // open folders, from the top one on
  int top_fd_ = -1;
  bool moved_ = false;
  uint64_t next_number_ = 0;
};

// Sums up a tree without recursion. A folder's descriptor is closed while the walk is more than kOpenLevels below it,
// and opened again through "..".
class UseWalk {
 public:
  absl::StatusOr<uint64_t> Sum(ScopedFd top) {
    RETURN_IF_ERROR(Enter(std::move(top)));
    while (!levels_.empty()) {
      if (levels_.back().folders.empty()) {
        if (!Leave()) break;  // moved away meanwhile: what lies above it cannot be found again
        continue;
      }
      std::string name = std::move(levels_.back().folders.back());
      levels_.back().folders.pop_back();
      auto child = OpenAt(levels_.back().fd.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      // What is gone meanwhile, or closed to the agent, is left out.
      if (child.ok()) (void)Enter(*std::move(child));
    }
    return sum_;
  }

 private:
  struct Level {
    ScopedFd fd;
    ino_t inode;
    std::vector<std::string> folders;  // that are still to be entered
  };

  absl::Status Enter(ScopedFd fd) {
    struct stat self;
    if (::fstat(fd.get(), &self) != 0) return ErrnoStatus(errno, "fstat");
    ASSIGN_OR_RETURN(auto entries, ListDirectory(fd.get()));
    std::vector<std::string> folders;
    for (DirectoryEntry& entry : entries) {
      struct stat info;
      if (::fstatat(fd.get(), entry.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone meanwhile
      if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !linked_.insert({info.st_dev, info.st_ino}).second) continue;
      sum_ += static_cast<uint64_t>(info.st_blocks) * 512;
      if (S_ISDIR(info.st_mode)) folders.push_back(std::move(entry.name));
    }
    levels_.push_back({std::move(fd), self.st_ino, std::move(folders)});
    if (levels_.size() > kOpenLevels) levels_[levels_.size() - 1 - kOpenLevels].fd.reset();
    return absl::OkStatus();
  }

  bool Leave() {
    ScopedFd below = std::move(levels_.back().fd);
    levels_.pop_back();
    if (levels_.empty() || levels_.back().fd.get() >= 0) return true;
    auto above = OpenAt(below.get(), "..", O_RDONLY | O_DIRECTORY);
    struct stat info;
    if (!above.ok() || ::fstat(above->get(), &info) != 0 || info.st_ino != levels_.back().inode) return false;
    levels_.back().fd = *std::move(above);
    return true;
  }

  std::vector<Level> levels_;
  std::set<std::pair<dev_t, ino_t>> linked_;
  uint64_t sum_ = 0;
};

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
      RETURN_IF_ERROR(Removal().Remove(at.get(), name));
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
  RETURN_IF_ERROR_CTX(Removal().Remove(dir_fd, path), "remove");
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
  ASSIGN_OR_RETURN_CTX(uint64_t sum, UseWalk().Sum(std::move(fd)), path);
  return sum;
}

absl::StatusOr<uint64_t> TotalBytes(const std::string& path) {
  struct statvfs info;
  if (::statvfs(path.c_str(), &info) != 0) return ErrnoStatus(errno, path);
  return static_cast<uint64_t>(info.f_blocks) * info.f_frsize;
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
