#include "agent/workspace/tree_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::workspace {
namespace {

using content::Digest;
using content::EntryKind;
using content::TreeEntry;

// Files a thread takes at a time: large enough that the shared counter does not show, small enough to even out file
// sizes.
constexpr size_t kBatch = 16;

bool SameContent(const TreeEntry& a, const TreeEntry& b) {
  return a.kind == b.kind && a.digest == b.digest && a.target == b.target;
}

mode_t ModeOf(EntryKind kind) { return kind == EntryKind::kExecutable ? 0755 : 0644; }

// One sync. Lives for the length of SyncTree.
class Sync {
 public:
  Sync(const std::string& directory, store::BlobStore& store, const Manifest& before, SyncStats& stats)
      : directory_(directory), store_(store), read_(store.DirectoryReader()), before_(before), stats_(stats) {}

  absl::StatusOr<Manifest> Run(const Digest& root, const SyncProgress& progress) {
    ASSIGN_OR_RETURN(fd_, platform::OpenAt(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    for (size_t i = 0; i < before_.entries.size(); ++i) index_[before_.entries[i].entry.path] = i;
    after_.root = root;
    if (root == before_.root) {
      after_.entries = before_.entries;
    } else {
      RETURN_IF_ERROR_CTX(List(root, "", 0), "read the tree");
      RETURN_IF_ERROR(RemoveGone());
    }
    RETURN_IF_ERROR(FindWork());
    RETURN_IF_ERROR(MakeFolders());
    RETURN_IF_ERROR(WriteFiles(progress));
    return std::move(after_);
  }

 private:
  // Lists the new tree into after_, taking unchanged folders whole from the old manifest.
  absl::Status List(const Digest& digest, const std::string& prefix, int depth) {
    if (depth > content::kMaxTreeDepth) return absl::InvalidArgumentError("the tree is nested too deeply");
    ASSIGN_OR_RETURN(std::string bytes, read_(digest));
    ASSIGN_OR_RETURN(auto message, content::ParseDirectory(bytes));
    int files = 0;
    int folders = 0;
    int links = 0;
    // The three lists are sorted; merging them gives walk order.
    while (files < message.files_size() || folders < message.directories_size() || links < message.symlinks_size()) {
      const std::string* file = files < message.files_size() ? &message.files(files).name() : nullptr;
      const std::string* folder = folders < message.directories_size() ? &message.directories(folders).name() : nullptr;
      const std::string* link = links < message.symlinks_size() ? &message.symlinks(links).name() : nullptr;
      if (file && (!folder || *file < *folder) && (!link || *file < *link)) {
        const auto& node = message.files(files++);
        ASSIGN_OR_RETURN(Digest content, Digest::FromProto(node.digest()));
        Add({prefix + node.name(), node.is_executable() ? EntryKind::kExecutable : EntryKind::kFile, content, ""});
      } else if (link && (!folder || *link < *folder)) {
        const auto& node = message.symlinks(links++);
        Add({prefix + node.name(), EntryKind::kSymlink, {}, node.target()});
      } else {
        const auto& node = message.directories(folders++);
        ASSIGN_OR_RETURN(Digest content, Digest::FromProto(node.digest()));
        RETURN_IF_ERROR(ListFolder({prefix + node.name(), EntryKind::kDirectory, content, ""}, depth));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ListFolder(TreeEntry folder, int depth) {
    std::string path = folder.path;
    Digest digest = folder.digest;
    auto old = index_.find(path);
    bool same = old != index_.end() && SameContent(before_.entries[old->second].entry, folder);
    Add(std::move(folder));
    if (!same) return List(digest, path + "/", depth + 1);
    auto [first, last] = before_.Below(old->second);
    for (size_t i = first; i < last; ++i) Add(before_.entries[i].entry);
    return absl::OkStatus();
  }

  void Add(TreeEntry entry) {
    ManifestEntry item;
    auto old = index_.find(entry.path);
    if (old != index_.end() && SameContent(before_.entries[old->second].entry, entry)) {
      item.mark = before_.entries[old->second].mark;
    }
    item.entry = std::move(entry);
    after_.entries.push_back(std::move(item));
  }

  // Removes what the old tree had and the new one has not, children before parents. A folder that still holds files of
  // a build stays.
  absl::Status RemoveGone() {
    absl::flat_hash_set<std::string_view> wanted;
    wanted.reserve(after_.entries.size());
    for (const ManifestEntry& item : after_.entries) wanted.insert(item.entry.path);
    for (auto item = before_.entries.rbegin(); item != before_.entries.rend(); ++item) {
      const std::string& path = item->entry.path;
      if (wanted.contains(path)) continue;
      bool folder = item->entry.kind == EntryKind::kDirectory;
      // A build may have put a link in place of a folder above: what lies behind it is not ours.
      auto parent = OpenParent(path);
      if (!parent.ok()) continue;
      std::string name = path.substr(path.rfind('/') + 1);
      if (::unlinkat(parent->get(), name.c_str(), folder ? AT_REMOVEDIR : 0) == 0) {
        if (!folder) ++stats_.removed;
        continue;
      }
      if (errno == ENOENT || (folder && (errno == ENOTEMPTY || errno == EEXIST))) continue;
      // A build put something of another kind there.
      RETURN_IF_ERROR(platform::RemoveTreeAt(parent->get(), name));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<platform::ScopedFd> OpenParent(const std::string& path) {
    auto slash = path.rfind('/');
    return platform::OpenBeneath(fd_.get(), slash == std::string::npos ? "." : path.substr(0, slash),
                                 O_RDONLY | O_DIRECTORY);
  }

  // Removes whatever is at `path`; the folders above it are real ones.
  absl::Status Clear(const std::string& path) {
    ASSIGN_OR_RETURN(auto parent, OpenParent(path));
    return platform::RemoveTreeAt(parent.get(), path.substr(path.rfind('/') + 1));
  }

  // Decides for every entry whether what is on disk can stay.
  absl::Status FindWork() {
    std::vector<uint8_t> stale(after_.entries.size());
    RETURN_IF_ERROR(platform::ParallelFor(after_.entries.size(), platform::UsableCpus(), 256, [&](size_t i) {
      ManifestEntry& item = after_.entries[i];
      struct stat info;
      bool there = ::fstatat(fd_.get(), item.entry.path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
      if (item.entry.kind == EntryKind::kDirectory) {
        stale[i] = !(there && S_ISDIR(info.st_mode));
      } else {
        stale[i] = !(there && item.mark.inode != 0 && FileMark::Of(info) == item.mark);
      }
      return absl::OkStatus();
    }));
    for (size_t i = 0; i < stale.size(); ++i) {
      bool folder = after_.entries[i].entry.kind == EntryKind::kDirectory;
      if (!folder) ++stats_.files;
      if (!stale[i]) {
        if (!folder) ++stats_.kept;
        continue;
      }
      // Below a folder that is made anew nothing is left, whatever was seen through a link in its place.
      if (folder) {
        auto [first, last] = after_.Below(i);
        std::fill(stale.begin() + static_cast<long>(first), stale.begin() + static_cast<long>(last), 1);
      }
      (folder ? folders_ : files_).push_back(i);
    }
    return absl::OkStatus();
  }

  // Parents come first in walk order. Whatever is in the way goes.
  absl::Status MakeFolders() {
    for (size_t i : folders_) {
      const std::string& path = after_.entries[i].entry.path;
      if (::mkdirat(fd_.get(), path.c_str(), 0755) == 0) continue;
      if (errno != EEXIST) return platform::ErrnoStatus(errno, path);
      RETURN_IF_ERROR(Clear(path));
      if (::mkdirat(fd_.get(), path.c_str(), 0755) != 0) return platform::ErrnoStatus(errno, path);
    }
    return absl::OkStatus();
  }

  absl::Status WriteFiles(const SyncProgress& progress) {
    timespec now;
    ::clock_gettime(CLOCK_REALTIME, &now);
    absl::Mutex mutex;
    uint64_t done = 0;
    std::atomic<uint64_t> written = 0;
    std::atomic<uint64_t> restored = 0;
    std::atomic<uint64_t> kept = 0;
    RETURN_IF_ERROR(platform::ParallelFor(files_.size(), platform::UsableCpus(), kBatch, [&](size_t i) {
      ManifestEntry& item = after_.entries[files_[i]];
      bool known = item.mark.inode != 0;
      ASSIGN_OR_RETURN(bool stays, known ? StillRight(item) : absl::StatusOr<bool>(false));
      if (stays) {
        ++kept;
      } else {
        RETURN_IF_ERROR_CTX(Write(item, now), fmt::format("write {}", item.entry.path));
        ++(known ? restored : written);
        if (known) NoteRestored(item.entry.path);
      }
      if (progress) {
        absl::MutexLock lock(&mutex);
        progress(++done, files_.size());
      }
      return absl::OkStatus();
    }));
    stats_.written += written;
    stats_.restored += restored;
    stats_.kept += kept;
    std::sort(stats_.restored_paths.begin(), stats_.restored_paths.end());
    return absl::OkStatus();
  }

  void NoteRestored(const std::string& path) {
    absl::MutexLock lock(&restored_mutex_);
    if (stats_.restored_paths.size() < kMostListedPaths) stats_.restored_paths.push_back(path);
  }

  // A file whose mark does not fit may hold the right bytes all the same (touched, or linked by a build); then it stays
  // and gets a new mark.
  absl::StatusOr<bool> StillRight(ManifestEntry& item) {
    if (item.entry.kind == EntryKind::kSymlink) return false;
    auto fd = platform::OpenBeneath(fd_.get(), item.entry.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!fd.ok()) return false;
    struct stat info;
    if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode) || (info.st_mode & 07777) != ModeOf(item.entry.kind) ||
        static_cast<uint64_t>(info.st_size) != item.entry.digest.size || info.st_nlink != 1) {
      return false;
    }
    ASSIGN_OR_RETURN(Digest digest, content::DigestOfFile(fd->get()));
    if (digest != item.entry.digest) return false;
    item.mark = FileMark::Of(info);
    return true;
  }

  absl::Status Write(ManifestEntry& item, const timespec& now) {
    const std::string& path = item.entry.path;
    // A new inode for a new content: programs that still have the old file open or linked keep the old bytes.
    if (::unlinkat(fd_.get(), path.c_str(), 0) != 0 && errno != ENOENT) {
      RETURN_IF_ERROR(Clear(path));
    }
    struct stat info;
    if (item.entry.kind == EntryKind::kSymlink) {
      if (::symlinkat(item.entry.target.c_str(), fd_.get(), path.c_str()) != 0)
        return platform::ErrnoStatus(errno, path);
      if (::fstatat(fd_.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
        return platform::ErrnoStatus(errno, path);
      item.mark = FileMark::Of(info);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(auto to, platform::OpenAt(fd_.get(), path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    if (item.entry.digest.size > 0) {
      ASSIGN_OR_RETURN(auto from, store_.OpenBlob(item.entry.digest));
      RETURN_IF_ERROR(platform::CopyContents(from.get(), to.get()));
    }
    const timespec times[2] = {now, now};
    if (::fchmod(to.get(), ModeOf(item.entry.kind)) != 0) return platform::ErrnoStatus(errno, "fchmod");
    if (::futimens(to.get(), times) != 0) return platform::ErrnoStatus(errno, "futimens");
    if (::fstat(to.get(), &info) != 0) return platform::ErrnoStatus(errno, "fstat");
    if (static_cast<uint64_t>(info.st_size) != item.entry.digest.size) {
      return absl::DataLossError(fmt::format("{} bytes arrived of {}", info.st_size, item.entry.digest.size));
    }
    item.mark = FileMark::Of(info);
    return absl::OkStatus();
  }

  const std::string& directory_;
  store::BlobStore& store_;
  content::DirectoryReader read_;
  const Manifest& before_;
  SyncStats& stats_;
  platform::ScopedFd fd_;
  absl::flat_hash_map<std::string_view, size_t> index_;
  Manifest after_;
  std::vector<size_t> folders_;
  std::vector<size_t> files_;
  absl::Mutex restored_mutex_;  // for stats_.restored_paths while files are written
};

// What is at a path now; nothing when there is nothing, nothing that a tree can hold, or when a link leads there: what
// a build put in a folder's place has none of the folder's files.
absl::StatusOr<std::optional<TreeEntry>> EntryOnDisk(int directory, const std::string& path) {
  auto there = platform::OpenBeneath(directory, path, O_PATH | O_NOFOLLOW);
  struct stat info;
  if (!there.ok() || ::fstat(there->get(), &info) != 0) return std::nullopt;
  TreeEntry entry{path, EntryKind::kFile, {}, ""};
  if (S_ISDIR(info.st_mode)) {
    entry.kind = EntryKind::kDirectory;
  } else if (S_ISLNK(info.st_mode)) {
    entry.kind = EntryKind::kSymlink;
    entry.target.resize(static_cast<size_t>(info.st_size) + 1);
    ssize_t got = ::readlinkat(there->get(), "", entry.target.data(), entry.target.size());
    entry.target.resize(got < 0 ? 0 : static_cast<size_t>(got));
  } else if (S_ISREG(info.st_mode)) {
    if ((info.st_mode & S_IXUSR) != 0) entry.kind = EntryKind::kExecutable;
    ASSIGN_OR_RETURN(auto file, platform::OpenBeneath(directory, path, O_RDONLY | O_NONBLOCK));
    ASSIGN_OR_RETURN(entry.digest, content::DigestOfFile(file.get()));
  } else {
    return std::nullopt;
  }
  return entry;
}

}  // namespace

absl::StatusOr<Manifest> SyncTree(const std::string& directory, store::BlobStore& store, const Manifest& before,
                                  const Digest& root, SyncStats* stats, const SyncProgress& progress) {
  SyncStats ignored;
  Sync sync(directory, store, before, stats ? *stats : ignored);
  return sync.Run(root, progress);
}

absl::StatusOr<Digest> DigestOnDisk(const std::string& directory, const Manifest& manifest,
                                    std::vector<std::string>* differences) {
  constexpr size_t kMostDifferences = 100;
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  std::vector<std::optional<TreeEntry>> found(manifest.entries.size());
  RETURN_IF_ERROR(platform::ParallelFor(manifest.entries.size(), platform::UsableCpus(), kBatch, [&](size_t i) {
    ASSIGN_OR_RETURN(found[i], EntryOnDisk(fd.get(), manifest.entries[i].entry.path));
    return absl::OkStatus();
  }));
  std::vector<TreeEntry> entries;
  for (size_t i = 0; i < found.size(); ++i) {
    const TreeEntry& wanted = manifest.entries[i].entry;
    bool folder = wanted.kind == EntryKind::kDirectory;
    bool same = found[i] && (folder ? found[i]->kind == wanted.kind : SameContent(*found[i], wanted));
    if (!same && differences && differences->size() < kMostDifferences) differences->push_back(wanted.path);
    if (found[i]) entries.push_back(std::move(*found[i]));
  }
  ASSIGN_OR_RETURN(auto tree, content::BuildTree(std::move(entries)));
  return tree.root;
}

}  // namespace wasmagent::workspace
