#include "client/hosting/static_files.h"

#include <fcntl.h>

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using platform::ScopedFd;

bool HasGitPart(const std::string& path) {
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  return std::any_of(parts.begin(), parts.end(), IsGitName);
}

// The path below the root, without empty and "." parts.
absl::StatusOr<std::string> PlainPath(const std::string& path) {
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("not a path");
  }
  std::vector<std::string> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  std::erase(parts, ".");
  if (std::find(parts.begin(), parts.end(), "..") != parts.end()) {
    return absl::PermissionDeniedError("'..' leads out of the site");
  }
  return absl::StrJoin(parts, "/");
}

}  // namespace

bool IsGitName(std::string_view name) {
  // Some file systems know no difference between small letters and capitals.
  return absl::AsciiStrToLower(std::string(name)) == ".git";
}

absl::StatusOr<StaticFiles> StaticFiles::Open(const std::string& root) {
  ASSIGN_OR_RETURN(ScopedFd fd, platform::OpenAt(AT_FDCWD, root, O_PATH | O_DIRECTORY));
  return StaticFiles(std::move(fd));
}

absl::Status StaticFiles::CheckPlace(int place, const std::string& path) const {
  ASSIGN_OR_RETURN(std::string root, platform::PathOf(root_.get()));
  ASSIGN_OR_RETURN(std::string real, platform::PathOf(place));
  if (root == "/") root.clear();
  if (real != root && !real.starts_with(root + "/")) {
    return absl::PermissionDeniedError(fmt::format("{}: a link that leads out of the site", path));
  }
  // Of what was asked for as well as of where links lead.
  if (HasGitPart(real.substr(root.size())) || HasGitPart(path)) {
    return absl::PermissionDeniedError("git's own files are not served");
  }
  return absl::OkStatus();
}

absl::StatusOr<SiteEntry> StaticFiles::Find(const std::string& path) const {
  SiteEntry entry;
  ASSIGN_OR_RETURN(entry.path, PlainPath(path));
  // Without opening it for reading: a pipe would wait for a writer, a device might act.
  ASSIGN_OR_RETURN(ScopedFd place, platform::OpenAt(root_.get(), entry.path.empty() ? "." : entry.path, O_PATH));
  RETURN_IF_ERROR(CheckPlace(place.get(), entry.path));
  if (::fstat(place.get(), &entry.info) != 0) return platform::ErrnoStatus(errno, entry.path);
  if (!S_ISREG(entry.info.st_mode) && !S_ISDIR(entry.info.st_mode)) {
    return absl::PermissionDeniedError(fmt::format("{}: neither a file nor a folder", entry.path));
  }
  if (!entry.is_folder() && path.ends_with('/')) {
    return absl::NotFoundError(fmt::format("{}: not a folder", entry.path));
  }
  // Through the descriptor that was checked, so that nothing else can have taken its place meanwhile.
  auto fd = platform::OpenAt(AT_FDCWD, fmt::format("/proc/self/fd/{}", place.get()), O_RDONLY);
  if (!fd.ok()) return absl::Status(fd.status().code(), fmt::format("{}: cannot be read", entry.path));
  entry.fd = *std::move(fd);
  return entry;
}

}  // namespace wasmagent::client
