// The planner's view of a checkout: files by path, before anything is on disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace wasmagent::pipeline {

// Reads a source tree. Thread-compatible.
class SourceTree {
 public:
  virtual ~SourceTree() = default;
  // True when a file or link is at `path`.
  virtual absl::StatusOr<bool> HasFile(std::string_view path) const = 0;
  // A file's bytes. NOT_FOUND; at most 4 MiB. FAILED_PRECONDITION with a list when the blob is not in the store yet.
  virtual absl::StatusOr<std::string> ReadFile(std::string_view path) const = 0;
  // Hex digest over path and content of every file that matches one of the globs (relative to the root; "*" stays in a
  // segment,
  // "**" crosses segments); needs no file content.
  virtual absl::StatusOr<std::string> DigestOf(const std::vector<std::string>& globs) const = 0;
};

}  // namespace wasmagent::pipeline
