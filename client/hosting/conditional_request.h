// What a browser that has a file already, or wants a part of it, is to be sent (RFC 9110, sections 13 and 14).
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wasmagent::client {

// Which version of a file this is.
struct FileVersion {
  // From inode, size and modification time: the content is not read, and a build that writes a file anew changes one of
  // them.
  std::string entity_tag;
  std::string last_modified;  // an HTTP date
  absl::Time modified;        // the same, whole seconds
  uint64_t size = 0;

  static FileVersion Of(const struct stat& info);
};

// The headers of a request that ask for less than the whole; empty when they are not there.
struct Conditions {
  std::string if_none_match = {};
  std::string if_modified_since = {};
  std::string if_range = {};
  std::string range = {};
};

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

// Whether the browser's copy is this version.
bool IsNotModified(const Conditions& conditions, const FileVersion& version);

// The part that is wanted; nothing for the whole file, which is also what a browser gets that asks for several parts,
// or for a part of another version. OUT_OF_RANGE for a part that the file has not.
absl::StatusOr<std::optional<ByteRange>> WantedRange(const Conditions& conditions, const FileVersion& version);

}  // namespace wasmagent::client
