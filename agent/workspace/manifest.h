// What a workspace's source files looked like when the agent last left them.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "content/tree.h"

namespace wasmagent::workspace {

// What lstat says of a file that nobody has touched. All of it must agree for the file to count as untouched; ctime is
// in it because a program can set mtime back, but not ctime.
struct FileMark {
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  int64_t ctime_ns = 0;
  uint32_t mode = 0;

  bool operator==(const FileMark&) const = default;
  static FileMark Of(const struct stat& info);
};

// One entry of the tree with its mark. Folders have a digest, that of their Directory, and no mark.
struct ManifestEntry {
  content::TreeEntry entry;
  FileMark mark;
};

// The entries of one tree in walk order (a folder before what is in it, names in byte order), so that everything below
// a folder is one contiguous run. About 150 bytes an entry in memory, 100 on disk; loaded for a sync and dropped after
// it.
class Manifest {
 public:
  content::Digest root;
  std::vector<ManifestEntry> entries;

  // Reads a manifest. NOT_FOUND when there is none, DATA_LOSS when its checksum does not fit.
  static absl::StatusOr<Manifest> Load(const std::string& path);
  // Writes it atomically; not durably, since a workspace that was not closed properly is thrown away whole.
  absl::Status Save(const std::string& path) const;

  // The run of entries strictly below entries[index], as [first, last).
  std::pair<size_t, size_t> Below(size_t index) const;
};

}  // namespace wasmagent::workspace
