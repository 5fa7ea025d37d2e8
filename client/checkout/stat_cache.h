// Digests of files that were read before, so that an unchanged file is not read again.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "content/digest.h"

namespace wasmagent::client {

// What stat says of a file's identity and content, times in nanoseconds since 1970.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t mtime = 0;
  int64_t ctime = 0;

  bool operator==(const FileStamp&) const = default;
  static FileStamp Of(const struct stat& info);
};

// The file system's clock may be this coarse: 2 s on FAT, a tick (up to 10 ms) elsewhere. A file that was touched so
// shortly before it was read could be touched again without a trace, and is read again next time.
inline constexpr int64_t kTimeResolution = 2'000'000'000;

// A checkout's cache as it was stored by the scan before. Immutable. One read and one hash of the file when it is
// loaded; no copy of it is made. 88 bytes and the path for each file.
class StatCache {
 public:
  struct Entry {
    std::string path;
    FileStamp stamp;
    content::Digest digest;
  };

  StatCache() = default;
  // An absent, damaged or foreign file is an empty cache, never an error: it costs time, not truth.
  static StatCache Load(const std::string& path);
  // Replaces the cache. `entries` sorted by path; `scan_start` is when the scan that found the stamps began.
  static absl::Status Save(const std::string& path, const std::vector<Entry>& entries, int64_t scan_start);

  size_t size() const { return count_; }
  // The digest of the file if it is known to be what it was: all of the stamp agrees, and both times lie more than the
  // resolution before the scan that stored it. Null otherwise.
  const uint8_t* Find(std::string_view path, const FileStamp& stamp) const;
  // Finds paths asked for in ascending order in constant time each; `cursor` starts at 0.
  const uint8_t* FindNext(size_t& cursor, std::string_view path, const FileStamp& stamp) const;

 private:
  std::string_view PathAt(size_t index) const;
  const uint8_t* HashIfSame(size_t index, const FileStamp& stamp) const;

  std::string bytes_;
  size_t count_ = 0;
  int64_t scan_start_ = 0;
};

}  // namespace wasmagent::client
