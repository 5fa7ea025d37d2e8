#include "client/artifacts/artifact_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "client/artifacts/artifact_manifest.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/file_lock.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using content::EntryKind;
using platform::ErrnoStatus;
using platform::ScopedFd;

constexpr char kStagingPrefix[] = ".wasmctl-staging-";
constexpr char kLockName[] = ".wasmctl-lock";
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool IsFile(const content::TreeEntry& entry) {
  return entry.kind == EntryKind::kFile || entry.kind == EntryKind::kExecutable;
}

// Opens the folder that `path` lies in and leaves the last name in `name`. With `make`, folders that are missing are
// made and whatever else is in their place, a link above all, is replaced.
absl::StatusOr<ScopedFd> OpenParent(int root_fd, const std::string& path, bool make, std::string& name) {
  ASSIGN_OR_RETURN(ScopedFd current, platform::OpenAt(root_fd, ".", kFolderFlags));
  size_t begin = 0;
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', begin)) {
    std::string part = path.substr(begin, slash - begin);
    begin = slash + 1;
    auto next = platform::OpenAt(current.get(), part, kFolderFlags);
    if (!next.ok() && make) {
      if (::unlinkat(current.get(), part.c_str(), 0) != 0 && errno != ENOENT) return ErrnoStatus(errno, path);
      if (::mkdirat(current.get(), part.c_str(), 0777) != 0) return ErrnoStatus(errno, path);
      next = platform::OpenAt(current.get(), part, kFolderFlags);
    }
    if (!next.ok()) return next.status();
    current = *std::move(next);
  }
  name = path.substr(begin);
  return current;
}

bool IsUnchanged(int root_fd, const WrittenArtifact& written, const content::TreeEntry& wanted) {
  if (written.entry.kind != wanted.kind || written.entry.digest != wanted.digest ||
      written.entry.target != wanted.target) {
    return false;
  }
  std::string name;
  auto parent = OpenParent(root_fd, wanted.path, false, name);
  struct stat info;
  if (!parent.ok() || ::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return FileStamp::Of(info) == written.stamp;
}

// Lets the signals that end a program wait, on this thread, for as long as it lives.
class HoldSignals {
 public:
  HoldSignals() {
    sigset_t held;
    ::sigemptyset(&held);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&held, signal);
    ::pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HoldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HoldSignals(const HoldSignals&) = delete;
  HoldSignals& operator=(const HoldSignals&) = delete;

 private:
  sigset_t before_;
};

// One fetch into one folder; holds what its phases share.
class Fetch {
 public:
  Fetch(content::BlobTransfer& transfer, const std::string& folder, ScopedFd root)
      : transfer_(transfer), folder_(folder), root_(std::move(root)) {}

  absl::StatusOr<FetchStatistics> Run(const content::Digest& tree, const std::string& record) {
    old_ = ParseManifest(platform::ReadFile(folder_ + "/" + kManifestName).value_or(""));
    RETURN_IF_ERROR(RemoveOldStaging());
    RETURN_IF_ERROR_CTX(ReadTree(tree), "read the artifacts' tree");
    absl::Status status = Stage();
    if (status.ok()) status = Commit(record);
    // What was staged and not placed is of no use to anybody.
    if (!staging_.empty()) (void)platform::RemoveTree(staging_);
    RETURN_IF_ERROR(status);
    return statistics_;
  }

 private:
  absl::Status RemoveOldStaging() {
    ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(root_.get()));
    for (const auto& entry : entries) {
      if (entry.name.starts_with(kStagingPrefix)) RETURN_IF_ERROR(platform::RemoveTree(folder_ + "/" + entry.name));
    }
    return absl::OkStatus();
  }

  absl::Status ReadTree(const content::Digest& tree) {
    auto read = [this](const content::Digest& digest) { return transfer_.Read(digest); };
    return content::WalkTree(tree, read, [this](const content::TreeEntry& entry) {
      // git runs what a repository's configuration names, wherever somebody stands in it.
      if (entry.path.starts_with(".wasmctl-") || ("/" + entry.path + "/").find("/.git/") != std::string::npos) {
        return absl::InvalidArgumentError(fmt::format("{}: artifacts cannot have this name", entry.path));
      }
      statistics_.artifacts += entry.kind == EntryKind::kDirectory ? 0 : 1;
      auto known = old_.find(entry.path);
      bool keep =
          known != old_.end() && entry.kind != EntryKind::kDirectory && IsUnchanged(root_.get(), known->second, entry);
      new_[entry.path] = {entry, keep ? known->second.stamp : FileStamp()};
      if (!keep) changed_.push_back(entry.path);
      return absl::OkStatus();
    });
  }

  absl::Status Stage() {
    if (changed_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(staging_, platform::MakeTemporaryDirectory(folder_, kStagingPrefix));
    std::vector<content::BlobTransfer::Download> downloads;
    for (size_t i = 0; i < changed_.size(); ++i) {
      const content::TreeEntry& entry = new_[changed_[i]].entry;
      if (!IsFile(entry)) continue;
      mode_t mode = entry.kind == EntryKind::kExecutable ? 0777 : 0666;  // the user's umask takes its part
      auto open = [path = StagedPath(i), mode]() -> absl::StatusOr<int> {
        ASSIGN_OR_RETURN(ScopedFd fd, platform::OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, mode));
        return fd.release();
      };
      ++statistics_.fetched_files;
      statistics_.fetched_bytes += entry.digest.size;
      downloads.push_back({entry.digest, std::move(open), entry.path});
    }
    return transfer_.DownloadAll(std::move(downloads), {});
  }

  absl::Status Commit(const std::string& record) {
    HoldSignals hold;
    const std::string record_path = folder_ + "/" + kRecordName;
    if (::unlink(record_path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, record_path);
    // Until all renames are done the manifest holds old and new names, without stamps for what moves: a fetch after a
    // crash then takes nothing for granted and forgets nothing.
    ArtifactManifest both = new_;
    both.insert(old_.begin(), old_.end());
    for (const std::string& path : changed_) both[path].stamp = FileStamp();
    RETURN_IF_ERROR(WriteManifest(both));
    for (size_t i = 0; i < changed_.size(); ++i) {
      RETURN_IF_ERROR_CTX(Place(i), fmt::format("write {}/{}", folder_, changed_[i]));
    }
    RETURN_IF_ERROR(RemoveObsolete());
    RETURN_IF_ERROR(WriteManifest(new_));
    if (record.empty()) return absl::OkStatus();
    return platform::WriteFileAtomically(record_path, record, 0666 & ~Umask(), false);
  }

  absl::Status WriteManifest(const ArtifactManifest& manifest) {
    return platform::WriteFileAtomically(folder_ + "/" + kManifestName, SerializeManifest(manifest), 0666 & ~Umask());
  }

  static mode_t Umask() {
    mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
  }

  absl::Status RemoveObsolete() {
    // Backwards: what is in a folder before the folder.
    for (auto it = old_.rbegin(); it != old_.rend(); ++it) {
      if (new_.contains(it->first)) continue;
      std::string name;
      auto parent = OpenParent(root_.get(), it->first, false, name);
      if (!parent.ok()) continue;
      bool folder = it->second.entry.kind == EntryKind::kDirectory;
      // A folder that holds files of others stays.
      if (::unlinkat(parent->get(), name.c_str(), folder ? AT_REMOVEDIR : 0) == 0) ++statistics_.removed;
    }
    return absl::OkStatus();
  }

  absl::Status Place(size_t index) {
    WrittenArtifact& artifact = new_[changed_[index]];
    std::string name;
    ASSIGN_OR_RETURN(ScopedFd parent, OpenParent(root_.get(), artifact.entry.path, true, name));
    if (artifact.entry.kind == EntryKind::kDirectory) return PlaceFolder(parent.get(), name);
    std::string staged = StagedPath(index);
    if (artifact.entry.kind == EntryKind::kSymlink && ::symlink(artifact.entry.target.c_str(), staged.c_str()) != 0) {
      return ErrnoStatus(errno, "symlink");
    }
    int result = ::renameat(AT_FDCWD, staged.c_str(), parent.get(), name.c_str());
    if (result != 0 && (errno == EISDIR || errno == ENOTEMPTY || errno == EEXIST)) {
      // A folder stands where an artifact belongs.
      RETURN_IF_ERROR(platform::RemoveTree(folder_ + "/" + artifact.entry.path));
      result = ::renameat(AT_FDCWD, staged.c_str(), parent.get(), name.c_str());
    }
    if (result != 0) return ErrnoStatus(errno, "rename");
    struct stat info;
    if (::fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) artifact.stamp = FileStamp::Of(info);
    return absl::OkStatus();
  }

  static absl::Status PlaceFolder(int parent_fd, const std::string& name) {
    if (platform::OpenAt(parent_fd, name, kFolderFlags).ok()) return absl::OkStatus();
    if (::unlinkat(parent_fd, name.c_str(), 0) != 0 && errno != ENOENT) return ErrnoStatus(errno, name);
    return ::mkdirat(parent_fd, name.c_str(), 0777) == 0 ? absl::OkStatus() : ErrnoStatus(errno, name);
  }

  std::string StagedPath(size_t index) const { return fmt::format("{}/{}", staging_, index); }

  content::BlobTransfer& transfer_;
  const std::string& folder_;
  ScopedFd root_;
  ArtifactManifest old_;
  ArtifactManifest new_;
  std::vector<std::string> changed_;  // folders before what is in them
  std::string staging_;
  FetchStatistics statistics_;
};

}  // namespace

absl::StatusOr<FetchStatistics> FetchArtifacts(content::BlobTransfer& transfer, const content::Digest& root,
                                               const std::string& folder, const std::string& record) {
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(folder, 0777), "make the output folder");
  ASSIGN_OR_RETURN(auto lock, platform::FileLock::Acquire(folder + "/" + kLockName));
  ASSIGN_OR_RETURN(ScopedFd fd, platform::OpenAt(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY));
  return Fetch(transfer, folder, std::move(fd)).Run(root, record);
}

}  // namespace wasmagent::client
