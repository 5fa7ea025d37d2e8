#include "agent/workspace/artifact_collector.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/parallel.h"
#include "platform/status.h"

namespace wasmagent::workspace {
namespace {

using content::EntryKind;
using content::TreeEntry;

// What is taken.
struct Wanted {
  const std::vector<std::string>& globs;
  PathFilter matches;
  const absl::flat_hash_set<std::string>& sources;

  bool operator()(const std::string& path) const {
    if (!matches(globs, path)) return false;
    return !sources.contains(path) || std::find(globs.begin(), globs.end(), path) != globs.end();
  }
};

// Lists wanted files and links below a folder, which is the `depth`th from the top. Holds a descriptor a level: what
// lies deeper than a tree may be is an error, not a crash.
absl::Status List(int dir_fd, const std::string& prefix, int depth, const Wanted& wanted,
                  std::vector<TreeEntry>& entries) {
  ASSIGN_OR_RETURN(auto names, platform::ListDirectory(dir_fd));
  for (const auto& name : names) {
    std::string path = prefix + name.name;
    struct stat info;
    if (::fstatat(dir_fd, name.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return platform::ErrnoStatus(errno, path);
    if (S_ISDIR(info.st_mode)) {
      if (depth >= content::kMaxTreeDepth) {
        return absl::InvalidArgumentError(
            fmt::format("the folder {}… lies more than {} levels deep", path.substr(0, 200), content::kMaxTreeDepth));
      }
      ASSIGN_OR_RETURN(auto child, platform::OpenAt(dir_fd, name.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      RETURN_IF_ERROR(List(child.get(), path + "/", depth + 1, wanted, entries));
      continue;
    }
    if (!wanted(path)) continue;
    if (S_ISLNK(info.st_mode)) {
      std::string target(static_cast<size_t>(info.st_size) + 1, '\0');
      ssize_t got = ::readlinkat(dir_fd, name.name.c_str(), target.data(), target.size());
      if (got < 0) return platform::ErrnoStatus(errno, path);
      target.resize(static_cast<size_t>(got));
      entries.push_back({path, EntryKind::kSymlink, {}, target});
    } else if (S_ISREG(info.st_mode)) {
      bool executable = (info.st_mode & S_IXUSR) != 0;
      entries.push_back({path, executable ? EntryKind::kExecutable : EntryKind::kFile, {}, ""});
    }
  }
  return absl::OkStatus();
}

absl::Status CheckComplete(const std::vector<TreeEntry>& entries, const std::vector<std::string>& globs,
                           PathFilter matches) {
  for (const std::string& glob : globs) {
    if (glob.starts_with('!')) continue;  // what is left out
    bool found = false;
    if (glob.find_first_of("*?[") != std::string::npos) continue;
    for (const TreeEntry& entry : entries) found = found || matches({glob}, entry.path);
    if (!found) {
      return absl::NotFoundError(fmt::format("the build left no {}", glob));
    }
  }
  if (entries.empty()) return absl::NotFoundError(fmt::format("no file matches {}", fmt::join(globs, ", ")));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Collected> CollectArtifacts(const std::string& directory, const std::vector<std::string>& globs,
                                           PathFilter matches, const absl::flat_hash_set<std::string>& sources,
                                           store::BlobStore& store) {
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  std::vector<TreeEntry> entries;
  RETURN_IF_ERROR(List(fd.get(), "", 1, {globs, matches, sources}, entries));
  RETURN_IF_ERROR(CheckComplete(entries, globs, matches));

  std::vector<size_t> files;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].kind != EntryKind::kSymlink) files.push_back(i);
  }
  auto open = [&fd, &entries](size_t i) {
    return platform::OpenBeneath(fd.get(), entries[i].path, O_RDONLY | O_NOFOLLOW);
  };
  RETURN_IF_ERROR(platform::ParallelFor(files.size(), platform::UsableCpus(), 1, [&](size_t k) {
    ASSIGN_OR_RETURN(auto file, open(files[k]));
    ASSIGN_OR_RETURN_CTX(entries[files[k]].digest, content::DigestOfFile(file.get()), entries[files[k]].path);
    return absl::OkStatus();
  }));
  // Leased before they are looked for: nothing that was found present can be collected before the tree is whole.
  Collected result;
  std::vector<content::Digest> blobs;
  for (size_t i : files) blobs.push_back(entries[i].digest);
  store::Lease blob_lease = store.LeaseBlobs(blobs);
  std::vector<store::BlobStore::PutFile> puts;
  std::vector<size_t> origins;
  for (size_t i : files) {
    if (store.Has(entries[i].digest)) continue;
    puts.push_back({entries[i].digest, [open, i] { return open(i); }});
    origins.push_back(i);
  }
  auto statuses = store.PutFiles(puts, platform::UsableCpus());
  for (size_t k = 0; k < statuses.size(); ++k) {
    RETURN_IF_ERROR_CTX(statuses[k], fmt::format("store {}", entries[origins[k]].path));
  }
  for (size_t i : files) result.bytes += entries[i].digest.size;
  result.files = entries.size();
  ASSIGN_OR_RETURN(auto tree, content::BuildTree(std::move(entries)));
  for (const auto& [digest, bytes] : tree.directories) {
    if (!store.Has(digest)) RETURN_IF_ERROR_CTX(store.PutOne(digest, bytes), "store the artifacts' tree");
  }
  result.root = tree.root;
  result.lease = store.LeaseTree(tree.root);
  return result;
}

}  // namespace wasmagent::workspace
