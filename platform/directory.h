// Folders: making, listing, removing.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/scoped_fd.h"

namespace wasmagent::platform {

// Makes a folder and those above it that are missing. It is no error when it is there.
absl::Status MakeDirectories(const std::string& path, mode_t mode = 0755);

// What becomes of a link or a file that lies where a folder is to be.
enum class InTheWay { kRefuse, kReplace };

// Makes the folder `path` below `dir_fd` with those above it that are missing, and returns it opened. Follows no link,
// so that it is where its path says: what is in the way is removed, or refused with FAILED_PRECONDITION.
absl::StatusOr<ScopedFd> MakeDirectoriesBeneath(int dir_fd, const std::string& path, InTheWay in_the_way,
                                                mode_t mode = 0755);

// Removes whatever is at `path`, with all below it, following no link; folders without permissions are opened first.
// It is no error when nothing is there. Any number of levels costs the same few descriptors and little stack.
absl::Status RemoveTree(const std::string& path);
// The same for a path relative to a folder.
absl::Status RemoveTreeAt(int dir_fd, const std::string& path);

// One entry of a folder; `type` is a DT_ constant of dirent.h, DT_UNKNOWN where the file system does not say.
struct DirectoryEntry {
  std::string name;
  unsigned char type;
};

// Lists a folder by descriptor, without "." and "..", in no order. The descriptor stays open and the caller's.
absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(int dir_fd);
absl::StatusOr<std::vector<DirectoryEntry>> ListDirectory(const std::string& path);

// Sum of the allocated bytes of all files below `path`; each inode once. What goes or moves away meanwhile may be left
// out. Any number of levels costs the same few descriptors.
absl::StatusOr<uint64_t> DiskUse(const std::string& path);

// Bytes that the file system of `path` holds in all.
absl::StatusOr<uint64_t> TotalBytes(const std::string& path);

// Bytes that an unprivileged user can still write on the file system of `path`.
absl::StatusOr<uint64_t> FreeBytes(const std::string& path);

// A fresh folder below `parent`, with a name that starts with `prefix`.
absl::StatusOr<std::string> MakeTemporaryDirectory(const std::string& parent, const std::string& prefix);

}  // namespace wasmagent::platform
