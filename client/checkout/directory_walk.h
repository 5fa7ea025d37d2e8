// Finding the files of a tree: names, kinds and stamps, no content.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/checkout/ignore_rules.h"
#include "client/checkout/stat_cache.h"
#include "content/tree.h"
#include "platform/scoped_fd.h"

namespace wasmagent::client {

// A file, link or empty folder that was found.
struct FoundEntry {
  std::string path;
  content::EntryKind kind = content::EntryKind::kFile;
  FileStamp stamp;     // of files
  std::string target;  // of links
};

struct FoundTree {
  std::vector<FoundEntry> entries;        // sorted by path
  std::vector<std::string> repositories;  // listed as a file, and found to be a repository of its own
  std::vector<std::string> warnings;      // sockets, pipes and devices that were skipped, one sentence each
};

// The file that marks a folder as a cache, and how it begins (bford.info/cachedir).
inline constexpr char kCacheTag[] = "CACHEDIR.TAG";
inline constexpr char kCacheSignature[] = "Signature: 8a477f597d28d172789f06886806bc55";

// Who says what belongs to a checkout.
enum class Authority { kFolder, kGit };

// True for what is never part of a checkout: ".git" anywhere, and at the root the place where products go: "builddir"
// in a git checkout, which knows its own files, and every "builddir*" elsewhere. A regular file of such a name is a
// source; a link is not, since builds would follow it.
bool IsAlwaysLeftOut(std::string_view path, bool is_regular_file, Authority authority);

// True when the folder holds a CACHEDIR.TAG with the signature.
bool IsCacheFolder(int folder_fd);

// Opens a folder of the tree, following no link, however long its path is. "" is the root itself.
absl::StatusOr<platform::ScopedFd> OpenFolder(int root_fd, const std::string& path);

// Everything below the root but what is always left out, cache folders, and what the rules leave out; empty folders are
// entries. Folders of one level are read on all CPUs.
absl::StatusOr<FoundTree> WalkFolder(int root_fd, const IgnoreRules& rules);

// Looks at listed paths (sorted): those that are gone are dropped, and so are those that the rules or always leave out.
absl::StatusOr<FoundTree> FindListed(int root_fd, std::vector<std::string> paths, const IgnoreRules& rules);

}  // namespace wasmagent::client
