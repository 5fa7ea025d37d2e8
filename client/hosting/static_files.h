// Which file of a folder a request's path means, and which it never gets.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "platform/scoped_fd.h"

namespace wasmagent::client {

// What lies at a path of a site, opened for reading: a file or a folder.
struct SiteEntry {
  platform::ScopedFd fd;
  struct stat info = {};
  // Below the site's root, without empty parts: "a/b.html"; "" for the root.
  std::string path;

  bool is_folder() const { return S_ISDIR(info.st_mode); }
};

// The files below one folder as a web site. Safe to use from many threads: each call works on descriptors of its own.
class StaticFiles {
 public:
  static absl::StatusOr<StaticFiles> Open(const std::string& root);

  // What a request's path, decoded and starting with '/', means. Links are followed as long as they stay below the
  // root. INVALID_ARGUMENT for what is no path, NOT_FOUND, and PERMISSION_DENIED for everything outside the root, for
  // git's own files, and for what is neither a file nor a folder. Messages name no path outside the root.
  absl::StatusOr<SiteEntry> Find(const std::string& path) const;

 private:
  explicit StaticFiles(platform::ScopedFd root) : root_(std::move(root)) {}
  // Refuses what an opened place is not to be served for.
  absl::Status CheckPlace(int place, const std::string& path) const;

  platform::ScopedFd root_;
};

// Whether a name in a listing, or a part of a path, is git's: a repository holds what its checkout does not show.
bool IsGitName(std::string_view name);

}  // namespace wasmagent::client
