#include "client/checkout/tree_scanner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "client/checkout/directory_walk.h"
#include "client/checkout/git_files.h"
#include "client/checkout/ignore_rules.h"
#include "client/checkout/stat_cache.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using content::EntryKind;

// Reads of one file that may be disturbed by a writer before the scan gives up.
constexpr int kReadAttempts = 3;
// Files handed to a thread at a time: one costs 20 µs or more.
constexpr size_t kHashBatch = 16;

absl::StatusOr<IgnoreRules> ReadIgnoreFile(int root_fd) {
  auto fd = platform::OpenAt(root_fd, ".wasmignore", O_RDONLY | O_NONBLOCK);
  if (absl::IsNotFound(fd.status())) return IgnoreRules();
  RETURN_IF_ERROR(fd.status());
  ASSIGN_OR_RETURN_CTX(std::string text, platform::ReadAll(fd->get(), 16 << 20), ".wasmignore");
  return IgnoreRules(text);
}

absl::StatusOr<FoundTree> Find(const Checkout& checkout, int root_fd, const IgnoreRules& rules) {
  if (!IsInGit(checkout.path)) return WalkFolder(root_fd, rules);
  auto paths = ListGitFiles(checkout.path, rules);
  if (absl::IsNotFound(paths.status())) {
    ASSIGN_OR_RETURN(FoundTree tree, WalkFolder(root_fd, rules));
    tree.warnings.push_back("git is not installed: every file is sent, those that git would ignore too");
    return tree;
  }
  RETURN_IF_ERROR(paths.status());
  // A folder that a repository further up ignores as a whole is not git's.
  if (paths->empty()) return WalkFolder(root_fd, rules);
  ASSIGN_OR_RETURN(FoundTree tree, FindListed(root_fd, *std::move(paths), rules));
  if (tree.repositories.empty()) return tree;
  // Added to git without being made submodules: rare, so only now is every path looked at for it.
  ASSIGN_OR_RETURN(auto expanded, ListGitFiles(checkout.path, rules, /*look_everywhere=*/true));
  return FindListed(root_fd, std::move(expanded), rules);
}

// What is not there any more, or no longer what it was, has changed under the scan: the caller scans again.
absl::Status Vanished(const absl::Status& status, const std::string& path) {
  if (absl::IsNotFound(status) || absl::IsInvalidArgument(status))
    return absl::AbortedError(fmt::format("{}: went away while it was being read", absl::CHexEscape(path)));
  return platform::Annotate(status, path);
}

// Hashes one file; the stamp becomes that of the bytes that were read.
absl::StatusOr<content::Digest> HashFile(int root_fd, FoundEntry& entry) {
  size_t slash = entry.path.rfind('/');
  std::string folder = slash == std::string::npos ? "" : entry.path.substr(0, slash);
  std::string name = slash == std::string::npos ? entry.path : entry.path.substr(slash + 1);
  for (int attempt = 0; attempt < kReadAttempts; ++attempt) {
    platform::ScopedFd held;
    int folder_fd = root_fd;
    if (!folder.empty()) {
      auto opened = OpenFolder(root_fd, folder);
      if (!opened.ok()) return Vanished(opened.status(), entry.path);
      held = *std::move(opened);
      folder_fd = held.get();
    }
    auto fd = platform::OpenAt(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd.ok()) return Vanished(fd.status(), entry.path);
    struct stat before;
    struct stat after;
    if (::fstat(fd->get(), &before) != 0) return platform::ErrnoStatus(errno, entry.path);
    if (!S_ISREG(before.st_mode)) break;
    ASSIGN_OR_RETURN_CTX(content::Digest digest, content::DigestOfFile(fd->get()), entry.path);
    if (::fstat(fd->get(), &after) != 0) return platform::ErrnoStatus(errno, entry.path);
    entry.stamp = FileStamp::Of(after);
    entry.kind = (after.st_mode & S_IXUSR) != 0 ? EntryKind::kExecutable : EntryKind::kFile;
    if (FileStamp::Of(before) == entry.stamp && digest.size == entry.stamp.size) return digest;
  }
  return absl::AbortedError(fmt::format("{}: changes while it is being read", absl::CHexEscape(entry.path)));
}

bool IsFile(const FoundEntry& entry) { return entry.kind == EntryKind::kFile || entry.kind == EntryKind::kExecutable; }

// Takes what the cache knows; returns the indices of the files that have to be read.
std::vector<size_t> TakeKnown(const StatCache& cache, const std::vector<FoundEntry>& found,
                              std::vector<content::Digest>& digests) {
  std::vector<size_t> unknown;
  size_t cursor = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!IsFile(found[i])) continue;
    const uint8_t* hash = cache.FindNext(cursor, found[i].path, found[i].stamp);
    if (hash == nullptr) {
      unknown.push_back(i);
      continue;
    }
    std::copy(hash, hash + 32, digests[i].hash.begin());
    digests[i].size = found[i].stamp.size;
  }
  return unknown;
}

absl::Status SaveCache(const std::string& path, const std::vector<FoundEntry>& found,
                       const std::vector<content::Digest>& digests, int64_t scan_start) {
  std::vector<StatCache::Entry> entries;
  entries.reserve(found.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (IsFile(found[i])) entries.push_back({found[i].path, found[i].stamp, digests[i]});
  }
  RETURN_IF_ERROR(platform::MakeDirectories(path.substr(0, path.rfind('/')), 0700));
  return StatCache::Save(path, entries, scan_start);
}

absl::StatusOr<ScannedTree> MakeTree(FoundTree found, const std::vector<content::Digest>& digests) {
  ScannedTree scanned;
  scanned.warnings = std::move(found.warnings);
  std::vector<content::TreeEntry> entries;
  entries.reserve(found.entries.size());
  for (size_t i = 0; i < found.entries.size(); ++i) {
    FoundEntry& entry = found.entries[i];
    if (IsFile(entry)) scanned.files.push_back({entry.path, digests[i]});
    entries.push_back({std::move(entry.path), entry.kind, digests[i], std::move(entry.target)});
  }
  ASSIGN_OR_RETURN(scanned.tree, content::BuildTree(std::move(entries)));
  return scanned;
}

}  // namespace

absl::StatusOr<ScannedTree> ScanCheckout(const Checkout& checkout, const ScanOptions& options,
                                         const platform::Clock& clock) {
  int64_t scan_start = absl::ToUnixNanos(clock.Now());
  ASSIGN_OR_RETURN_CTX(auto root, platform::OpenAt(AT_FDCWD, checkout.path, O_RDONLY | O_DIRECTORY),
                       "open the checkout");
  ASSIGN_OR_RETURN(IgnoreRules rules, ReadIgnoreFile(root.get()));
  std::string cache_path = checkout.cache_directory + "/stat-cache";
  ASSIGN_OR_RETURN_CTX(FoundTree found, Find(checkout, root.get(), rules), checkout.path);
  std::vector<content::Digest> digests(found.entries.size());
  std::vector<size_t> unknown;
  size_t cached = 0;
  {
    StatCache cache = options.use_stat_cache ? StatCache::Load(cache_path) : StatCache();
    cached = cache.size();
    unknown = TakeKnown(cache, found.entries, digests);
  }
  RETURN_IF_ERROR(
      platform::ParallelFor(unknown.size(), platform::UsableCpus(), kHashBatch, [&](size_t i) -> absl::Status {
        size_t index = unknown[i];
        ASSIGN_OR_RETURN(digests[index], HashFile(root.get(), found.entries[index]));
        return absl::OkStatus();
      }));
  uint64_t hashed_bytes = 0;
  for (size_t index : unknown) hashed_bytes += digests[index].size;
  size_t files = static_cast<size_t>(std::count_if(found.entries.begin(), found.entries.end(), IsFile));
  if (options.save_stat_cache && (!unknown.empty() || files != cached)) {
    // Without a cache the next scan is slower and nothing else.
    if (absl::Status status = SaveCache(cache_path, found.entries, digests, scan_start); !status.ok()) {
      found.warnings.push_back(fmt::format("the stat cache was not saved: {}", std::string(status.message())));
    }
  }
  ASSIGN_OR_RETURN_CTX(ScannedTree scanned, MakeTree(std::move(found), digests), checkout.path);
  scanned.hashed_files = unknown.size();
  scanned.hashed_bytes = hashed_bytes;
  return scanned;
}

}  // namespace wasmagent::client
