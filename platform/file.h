// Whole files: reading, atomic writing, copying. Paths are bytes; nothing here follows a link that it is told not to.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "platform/scoped_fd.h"

namespace wasmagent::platform {

// Opens `path` relative to `dir_fd` (AT_FDCWD for the working directory); O_CLOEXEC is always added.
absl::StatusOr<ScopedFd> OpenAt(int dir_fd, const std::string& path, int flags, mode_t mode = 0);

// Opens `path` below `dir_fd`, never leaving it and following no symbolic link on the way (openat2 RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS, or component by component where the kernel has no openat2).
absl::StatusOr<ScopedFd> OpenBeneath(int dir_fd, const std::string& path, int flags, mode_t mode = 0);

// The path of what a descriptor refers to, as the kernel knows it now: absolute, links resolved. That of a file that
// has been removed ends with " (deleted)".
absl::StatusOr<std::string> PathOf(int fd);

// Reads a whole file. `limit` bounds the size: RESOURCE_EXHAUSTED beyond it.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t limit = UINT64_MAX);

// The same for a file that somebody else may have put something else in place of: a link at the end is not followed,
// and what is no regular file (a pipe would never end) is FAILED_PRECONDITION.
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, uint64_t limit = UINT64_MAX);

// Reads all that is left of a descriptor.
absl::StatusOr<std::string> ReadAll(int fd, uint64_t limit = UINT64_MAX);

// Reads up to `size` bytes at `offset`, fewer only at the end of the file.
absl::StatusOr<size_t> ReadAt(int fd, char* buffer, size_t size, uint64_t offset);

// Writes all bytes, however many calls that takes.
absl::Status WriteAll(int fd, std::string_view bytes);

// Replaces `path` by a file with these bytes: temporary file in the same folder, fdatasync, rename, fsync of the
// folder. With `durable` false the two syncs are left out: after a crash of the machine the old or no file may be
// there.
absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes, mode_t mode = 0644,
                                 bool durable = true);

// Copies all bytes of `from` into the empty file `to`: reflink, else copy_file_range, else read and write.
absl::Status CopyContents(int from, int to);

// Flushes a folder's entries to disk.
absl::Status SyncDirectory(const std::string& path);

}  // namespace wasmagent::platform
