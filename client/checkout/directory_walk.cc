#include "client/checkout/directory_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/escaping.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using content::EntryKind;
using platform::ErrnoStatus;
using platform::ScopedFd;

// Folders handed to a thread at a time: reading one costs 10 to 50 µs.
constexpr size_t kFolderBatch = 8;
// A path that is handed to the kernel in one piece; PATH_MAX is 4096.
constexpr size_t kMaxPathPiece = 3000;

std::string Join(const std::string& folder, std::string_view name) {
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  if (!folder.empty()) path.append(folder).append("/");
  path.append(name);
  return path;
}

absl::StatusOr<std::string> ReadLink(int folder_fd, const char* name, const std::string& path) {
  std::string target(256, '\0');
  while (true) {
    ssize_t size = ::readlinkat(folder_fd, name, target.data(), target.size());
    if (size < 0) return ErrnoStatus(errno, path);
    if (static_cast<size_t>(size) < target.size()) {
      target.resize(static_cast<size_t>(size));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

// What was found in one folder; each thread fills those of the folders it reads.
struct FolderResult {
  std::vector<FoundEntry> entries;
  std::vector<std::string> folders;
  std::vector<std::string> warnings;
};

// Takes one name in: a file or link becomes an entry, a folder is left to the caller by true.
absl::StatusOr<bool> TakeEntry(int folder_fd, const char* name, std::string path, const struct stat& info,
                               FolderResult& result) {
  if (S_ISDIR(info.st_mode)) return true;
  if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) {
    const char* kind = S_ISSOCK(info.st_mode) ? "a socket" : S_ISFIFO(info.st_mode) ? "a named pipe" : "a device";
    result.warnings.push_back(fmt::format("{} is {}: left out", absl::CHexEscape(path), kind));
    return false;
  }
  if (absl::Status status = content::CheckName(name); !status.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}: {}; rename it or list it in .wasmignore", absl::CHexEscape(path),
                                                  std::string(status.message())));
  }
  FoundEntry entry;
  entry.stamp = FileStamp::Of(info);
  if (S_ISLNK(info.st_mode)) {
    entry.kind = EntryKind::kSymlink;
    ASSIGN_OR_RETURN(entry.target, ReadLink(folder_fd, name, path));
  } else {
    entry.kind = (info.st_mode & S_IXUSR) != 0 ? EntryKind::kExecutable : EntryKind::kFile;
  }
  entry.path = std::move(path);
  result.entries.push_back(std::move(entry));
  return false;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

absl::Status ReadFolder(int root_fd, const std::string& folder, const IgnoreRules& rules, FolderResult& result) {
  auto opened = OpenFolder(root_fd, folder);
  // Removed or replaced between listing and reading: the tree is changing, and it is as if it had been so before.
  if (!opened.ok() && absl::IsNotFound(opened.status()) && !folder.empty()) return absl::OkStatus();
  if (!opened.ok()) return opened.status();
  int fd = opened->get();
  std::unique_ptr<DIR, CloseDir> dir(::fdopendir(opened->release()));
  if (dir == nullptr) return ErrnoStatus(errno, folder);
  bool tagged = false;
  bool empty = true;
  while (true) {
    errno = 0;
    dirent* found = ::readdir(dir.get());
    if (found == nullptr && errno != 0) return ErrnoStatus(errno, folder);
    if (found == nullptr) break;
    const char* name = found->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    empty = false;
    struct stat info;
    if (::fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return ErrnoStatus(errno, Join(folder, name));
    }
    std::string path = Join(folder, name);
    bool is_folder = S_ISDIR(info.st_mode);
    if (IsAlwaysLeftOut(path, S_ISREG(info.st_mode), Authority::kFolder)) continue;
    if (rules.MatchBelowKept(path, is_folder) != nullptr) continue;
    tagged |= std::strcmp(name, kCacheTag) == 0;
    ASSIGN_OR_RETURN(bool descend, TakeEntry(fd, name, path, info, result));
    if (!descend) continue;
    RETURN_IF_ERROR_CTX(content::CheckName(name), absl::CHexEscape(path));
    result.folders.push_back(std::move(path));
  }
  // The root is what the user named, even when it is marked.
  if (tagged && !folder.empty() && IsCacheFolder(fd)) {
    result = FolderResult();
  } else if (empty && !folder.empty()) {
    result.entries.push_back({folder, EntryKind::kDirectory, {}, {}});
  }
  return absl::OkStatus();
}

void Collect(std::vector<FolderResult>& results, FoundTree& tree) {
  for (FolderResult& result : results) {
    for (FoundEntry& entry : result.entries) tree.entries.push_back(std::move(entry));
    for (std::string& warning : result.warnings) tree.warnings.push_back(std::move(warning));
  }
}

void SortEntries(FoundTree& tree) {
  std::sort(tree.entries.begin(), tree.entries.end(),
            [](const FoundEntry& a, const FoundEntry& b) { return a.path < b.path; });
  std::sort(tree.warnings.begin(), tree.warnings.end());
}

// A run of listed paths with the same folder.
struct ListedFolder {
  std::string folder;
  size_t begin = 0;
  size_t end = 0;
};

std::vector<ListedFolder> GroupByFolder(const std::vector<std::string>& paths) {
  std::vector<ListedFolder> groups;
  for (size_t i = 0; i < paths.size(); ++i) {
    size_t slash = paths[i].rfind('/');
    std::string_view folder =
        slash == std::string::npos ? std::string_view() : std::string_view(paths[i]).substr(0, slash);
    if (groups.empty() || groups.back().folder != folder) groups.push_back({std::string(folder), i, i});
    groups.back().end = i + 1;
  }
  return groups;
}

absl::Status FindGroup(int root_fd, const ListedFolder& group, const std::vector<std::string>& paths,
                       const IgnoreRules& rules, FolderResult& result) {
  if (!group.folder.empty() && rules.Match(group.folder, true) != nullptr) return absl::OkStatus();
  size_t top = group.folder.find('/');
  if (!group.folder.empty() && IsAlwaysLeftOut(group.folder.substr(0, top), false, Authority::kGit))
    return absl::OkStatus();
  auto folder = OpenFolder(root_fd, group.folder);
  // Gone, or a link now: git lists tracked files that are deleted.
  if (!folder.ok() && (absl::IsNotFound(folder.status()) || absl::IsInvalidArgument(folder.status()))) {
    return absl::OkStatus();
  }
  if (!folder.ok()) return folder.status();
  for (size_t i = group.begin; i < group.end; ++i) {
    const std::string& path = paths[i];
    const char* name = path.c_str() + (group.folder.empty() ? 0 : group.folder.size() + 1);
    struct stat info;
    if (::fstatat(folder->get(), name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) continue;
      return ErrnoStatus(errno, path);
    }
    bool is_folder = S_ISDIR(info.st_mode);
    if (IsAlwaysLeftOut(path, S_ISREG(info.st_mode), Authority::kGit)) continue;
    if (rules.MatchBelowKept(path, is_folder) != nullptr) continue;
    ASSIGN_OR_RETURN(bool submodule, TakeEntry(folder->get(), name, path, info, result));
    // A submodule that is not populated is an empty folder. A tracked file that has become a folder is listed with its
    // files.
    if (submodule && !std::binary_search(paths.begin(), paths.end(), path + "/")) {
      auto inside = OpenFolder(root_fd, path);
      struct stat git;
      if (inside.ok() && ::fstatat(inside->get(), ".git", &git, AT_SYMLINK_NOFOLLOW) == 0)
        result.folders.push_back(path);
      auto names = inside.ok() ? platform::ListDirectory(inside->get()) : inside.status();
      if (names.ok() && names->empty()) result.entries.push_back({path, EntryKind::kDirectory, {}, {}});
    }
  }
  return absl::OkStatus();
}

}  // namespace

bool IsAlwaysLeftOut(std::string_view path, bool is_regular_file, Authority authority) {
  size_t slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (name == ".git") return true;
  if (is_regular_file || slash != std::string_view::npos) return false;
  return authority == Authority::kGit ? name == "builddir" : name.starts_with("builddir");
}

bool IsCacheFolder(int folder_fd) {
  ScopedFd tag(::openat(folder_fd, kCacheTag, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!tag.valid()) return false;
  char start[sizeof(kCacheSignature) - 1];
  auto got = platform::ReadAt(tag.get(), start, sizeof(start), 0);
  return got.ok() && *got == sizeof(start) && std::memcmp(start, kCacheSignature, sizeof(start)) == 0;
}

absl::StatusOr<ScopedFd> OpenFolder(int root_fd, const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY;
  if (path.empty()) return platform::OpenAt(root_fd, ".", kFlags);
  ScopedFd held;
  int current = root_fd;
  std::string_view rest = path;
  while (true) {
    size_t cut = rest.size() <= kMaxPathPiece ? rest.size() : rest.rfind('/', kMaxPathPiece);
    ASSIGN_OR_RETURN(held, platform::OpenBeneath(current, std::string(rest.substr(0, cut)), kFlags));
    if (cut == rest.size()) return held;
    rest.remove_prefix(cut + 1);
    current = held.get();
  }
}

absl::StatusOr<FoundTree> WalkFolder(int root_fd, const IgnoreRules& rules) {
  FoundTree tree;
  std::vector<std::string> level = {""};
  for (int depth = 0; !level.empty(); ++depth) {
    if (depth > content::kMaxTreeDepth)
      return absl::InvalidArgumentError(fmt::format("{}: nested too deeply", level[0]));
    std::vector<FolderResult> results(level.size());
    RETURN_IF_ERROR(platform::ParallelFor(level.size(), platform::UsableCpus(), kFolderBatch,
                                          [&](size_t i) { return ReadFolder(root_fd, level[i], rules, results[i]); }));
    level.clear();
    Collect(results, tree);
    for (FolderResult& result : results) {
      for (std::string& folder : result.folders) level.push_back(std::move(folder));
    }
  }
  SortEntries(tree);
  return tree;
}

absl::StatusOr<FoundTree> FindListed(int root_fd, std::vector<std::string> paths, const IgnoreRules& rules) {
  std::vector<ListedFolder> groups = GroupByFolder(paths);
  std::vector<FolderResult> results(groups.size());
  RETURN_IF_ERROR(platform::ParallelFor(groups.size(), platform::UsableCpus(), kFolderBatch, [&](size_t i) {
    return FindGroup(root_fd, groups[i], paths, rules, results[i]);
  }));
  FoundTree tree;
  Collect(results, tree);
  for (FolderResult& result : results) {
    for (std::string& repository : result.folders) tree.repositories.push_back(std::move(repository));
  }
  SortEntries(tree);
  return tree;
}

}  // namespace wasmagent::client
