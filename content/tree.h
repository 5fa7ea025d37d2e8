// The canonical tree: REAPI Directory messages in one spelling, so that equal trees have equal digests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "content/digest.h"

namespace wasmagent::content {

// OK when `name` can be one path segment: not empty, not "." or "..", no '/' and no NUL, valid UTF-8 (protobuf's string
// carries nothing else), at most 255 bytes. The error names it, escaped.
absl::Status CheckName(std::string_view name);

// OK when `target` can be a link's text: not empty, no NUL, valid UTF-8, at most 4,095 bytes (Linux' PATH_MAX).
absl::Status CheckTarget(std::string_view target);

// What kind of thing a tree entry is.
enum class EntryKind { kFile, kExecutable, kSymlink, kDirectory };

// One file, link or folder of a tree, by path relative to its root, '/' between segments.
struct TreeEntry {
  std::string path;
  EntryKind kind = EntryKind::kFile;
  Digest digest;       // content of a file; the Directory of a folder (set by BuildTree)
  std::string target;  // text of a link
};

// A tree as blobs: the root and every Directory message of it, children before parents.
struct TreeBlobs {
  Digest root;
  // Directory blobs in the order in which they may be stored: children first, each once.
  std::vector<std::pair<Digest, std::string>> directories;
  uint64_t files = 0;
  uint64_t bytes = 0;
};

// Makes the canonical tree of a list of entries in any order (a caller that goes folder by folder uses TreeBuilder,
// which needs no full paths). Folders above an entry are implied; a kDirectory entry makes an empty folder possible.
// INVALID_ARGUMENT for a bad name, a path given twice, or a file where a folder must be.
absl::StatusOr<TreeBlobs> BuildTree(std::vector<TreeEntry> entries);

// Canonical bytes of a Directory whose lists are sorted already.
std::string SerializeDirectory(const reapi::Directory& directory);

// True when `bytes` could begin a Directory message: the cheap look before ParseDirectory. Needs the first byte only.
bool MayBeDirectory(std::string_view first_bytes);

// Parses a Directory blob and refuses one that is not canonical: unsorted, a name twice, a bad name, a bad digest.
absl::StatusOr<reapi::Directory> ParseDirectory(std::string_view bytes);

// Reads Directory blobs by digest: the agent's store, or a client's memory.
using DirectoryReader = std::function<absl::StatusOr<std::string>(const Digest&)>;

// Deepest nesting that is followed; a tree beyond it is refused, so that recursion is bounded. Linux' PATH_MAX allows
// 2,048 one-letter folders.
inline constexpr int kMaxTreeDepth = 2048;

// Calls `visit` for every entry, a folder before what is in it, names in byte order. Stops at the first error.
absl::Status WalkTree(const Digest& root, const DirectoryReader& read,
                      const std::function<absl::Status(const TreeEntry&)>& visit);

// Finds one path in a tree; NOT_FOUND when it is not there. Follows no links.
absl::StatusOr<TreeEntry> FindInTree(const Digest& root, const DirectoryReader& read, std::string_view path);

}  // namespace wasmagent::content
