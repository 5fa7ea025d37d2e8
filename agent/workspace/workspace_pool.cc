#include "agent/workspace/workspace_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"
#include "spdlog/spdlog.h"
#include "wasmagent/v1/agent_service.pb.h"

namespace wasmagent::workspace {
namespace {

// Where a discarded workspace goes before its files are unlinked: renaming is one step, so a name is whole or gone.
constexpr std::string_view kTrash = ".trash-";

// Starts the name of a file that holds a mark.
constexpr std::string_view kMark = "mark-";
// A mark names the build dirs of a workspace, each with some 200 bytes.
constexpr uint64_t kLargestMark = 1 << 20;

// What stands in a state file's first line instead of the boot id.
constexpr std::string_view kFlushed = "flushed";

std::string ReasonForNew(size_t busy) {
  if (busy > 0) return fmt::format("other builds use the {} of this checkout", busy == 1 ? "workspace" : "workspaces");
  return "there was none of this checkout: it was not built here before, or its workspace was given up";
}

std::string StatePath(const std::string& directory, const std::string& name) {
  return directory + "/" + name + "/state";
}

}  // namespace

std::string BootId() {
  auto id = platform::ReadFile("/proc/sys/kernel/random/boot_id", 100);
  return id.ok() ? std::string(absl::StripAsciiWhitespace(*id)) : "";
}

Workspace::~Workspace() { pool_.GiveBack(*this); }

absl::Status Workspace::Sync(store::BlobStore& store, const content::Digest& root, SyncStats* stats,
                             const SyncProgress& progress) {
  std::string manifest_path = directory_ + "/manifest";
  // A build may have put a link in place of the whole folder.
  bool renewed = !OpenSource().ok();
  if (renewed) RETURN_IF_ERROR(Reset());
  Manifest before;
  auto loaded = Manifest::Load(manifest_path);
  if (loaded.ok()) {
    before = *std::move(loaded);
  } else if (!absl::IsNotFound(loaded.status())) {
    // A damaged manifest: what is on disk cannot be trusted to be what it says.
    RETURN_IF_ERROR(Reset());
    renewed = true;
  }
  SyncStats own;
  SyncStats& sums = stats ? *stats : own;
  ASSIGN_OR_RETURN_CTX(Manifest after, SyncTree(source(), store, before, root, &sums, progress),
                       fmt::format("sync workspace {}", name_));
  root_ = root;
  sums.renewed = renewed;
  sums.changes = CompareTrees(before, after);
  // Nothing touched and the same tree: the manifest on disk says it already.
  auto same_mark = [](const ManifestEntry& a, const ManifestEntry& b) { return a.mark == b.mark; };
  if (before.root == root &&
      std::equal(before.entries.begin(), before.entries.end(), after.entries.begin(), after.entries.end(), same_mark)) {
    return absl::OkStatus();
  }
  return after.Save(manifest_path);
}

absl::Status Workspace::Reset() {
  // The marks first: they describe what is about to go.
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(directory_));
  for (const auto& entry : entries) {
    if (entry.name.starts_with(kMark)) RETURN_IF_ERROR(platform::RemoveTree(directory_ + "/" + entry.name));
  }
  RETURN_IF_ERROR(platform::RemoveTree(source()));
  RETURN_IF_ERROR(platform::RemoveTree(directory_ + "/manifest"));
  return platform::MakeDirectories(source());
}

absl::StatusOr<platform::ScopedFd> Workspace::OpenSource() const {
  return platform::OpenAt(AT_FDCWD, source(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

bool Workspace::HasFolder(const std::string& path) const {
  auto root = OpenSource();
  return root.ok() && platform::OpenBeneath(root->get(), path, O_PATH | O_DIRECTORY | O_NOFOLLOW).ok();
}

absl::StatusOr<platform::ScopedFd> Workspace::OpenFile(const std::string& path) const {
  ASSIGN_OR_RETURN(auto root, OpenSource());
  // O_NONBLOCK: a build may have put a fifo in its place.
  ASSIGN_OR_RETURN(auto file, platform::OpenBeneath(root.get(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return platform::ErrnoStatus(errno, path);
  if (!S_ISREG(info.st_mode)) return absl::NotFoundError(fmt::format("{}: no file", path));
  return file;
}

absl::Status Workspace::MakeFolder(const std::string& path, platform::InTheWay in_the_way) {
  ASSIGN_OR_RETURN(auto root, OpenSource());
  return platform::MakeDirectoriesBeneath(root.get(), path, in_the_way).status();
}

absl::Status Workspace::RemoveFolder(const std::string& path) {
  auto slash = path.rfind('/');
  ASSIGN_OR_RETURN(auto root, OpenSource());
  auto parent = slash == std::string::npos
                    ? std::move(root)
                    : platform::OpenBeneath(root.get(), path.substr(0, slash), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  // What lies behind a link is not ours.
  if (!parent.ok()) return absl::OkStatus();
  return platform::RemoveTreeAt(parent->get(), path.substr(slash + 1));
}

absl::Status Workspace::LinkTemporary(const std::string& path, const std::string& target) {
  ASSIGN_OR_RETURN(auto folder, platform::OpenAt(AT_FDCWD, temporary(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  const size_t slash = path.rfind('/');
  if (slash != std::string::npos) {
    ASSIGN_OR_RETURN(
        folder, platform::MakeDirectoriesBeneath(folder.get(), path.substr(0, slash), platform::InTheWay::kReplace));
  }
  const std::string name = path.substr(slash + 1);
  RETURN_IF_ERROR(platform::RemoveTreeAt(folder.get(), name));
  if (::symlinkat(target.c_str(), folder.get(), name.c_str()) != 0) return platform::ErrnoStatus(errno, "link " + path);
  return absl::OkStatus();
}

absl::StatusOr<absl::flat_hash_set<std::string>> Workspace::SourcePaths(const std::string& folder) const {
  std::string prefix = folder == "." ? "" : folder + "/";
  ASSIGN_OR_RETURN_CTX(Manifest manifest, Manifest::Load(directory_ + "/manifest"), "list the source files");
  absl::flat_hash_set<std::string> paths;
  for (ManifestEntry& item : manifest.entries) {
    if (item.entry.kind == content::EntryKind::kDirectory || !item.entry.path.starts_with(prefix)) continue;
    paths.insert(item.entry.path.substr(prefix.size()));
  }
  return paths;
}

std::string Workspace::Mark(const std::string& name) const {
  auto value = platform::ReadFile(fmt::format("{}/{}{}", directory_, kMark, name), kLargestMark);
  return value.ok() ? *value : "";
}

absl::Status Workspace::SetMark(const std::string& name, const std::string& value) {
  std::string path = fmt::format("{}/{}{}", directory_, kMark, name);
  if (!value.empty()) return platform::WriteFileAtomically(path, value, 0600, /*durable=*/false);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return platform::ErrnoStatus(errno, path);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WorkspacePool>> WorkspacePool::Open(const std::string& directory, size_t limit,
                                                                   const platform::Clock& clock,
                                                                   const std::string& boot_id) {
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(directory, 0700), "workspaces");
  std::unique_ptr<WorkspacePool> pool(new WorkspacePool(directory, limit, clock, boot_id));
  RETURN_IF_ERROR_CTX(pool->LoadExisting(), "workspaces");
  return pool;
}

WorkspacePool::~WorkspacePool() {
  absl::Status flushed = Flush();
  if (!flushed.ok()) spdlog::warn("workspaces: {}", std::string(flushed.message()));
}

absl::Status WorkspacePool::LoadExisting() {
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(directory_));
  absl::MutexLock lock(&mutex_);
  for (const auto& entry : entries) {
    uint64_t number = 0;
    auto dash = entry.name.rfind('-');
    if (dash != std::string::npos && absl::SimpleAtoi(entry.name.substr(dash + 1), &number)) {
      next_number_ = std::max(next_number_, number + 1);
    }
    if (auto info = ReadState(entry.name)) {
      workspaces_.emplace(entry.name, *std::move(info));
      continue;
    }
    // What cannot be removed is in nobody's way: its name is not used again.
    absl::Status removed = platform::RemoveTree(directory_ + "/" + entry.name);
    if (!removed.ok()) spdlog::warn("workspace {}: {}", entry.name, std::string(removed.message()));
  }
  return absl::OkStatus();
}

// The workspace when it is ready, and as the build left it.
std::optional<WorkspaceInfo> WorkspacePool::ReadState(const std::string& name) const {
  auto bytes = platform::ReadFile(StatePath(directory_, name), 1 << 20);
  if (!bytes.ok()) return std::nullopt;
  std::string_view rest = *bytes;
  std::string_view mark = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), mark.size() + 1));
  bool flushed = mark == kFlushed;
  if (!flushed && (boot_id_.empty() || mark != boot_id_)) return std::nullopt;
  wasmagent::v1::Workspace state;
  if (!state.ParseFromArray(rest.data(), static_cast<int>(rest.size())) || state.busy() || state.name() != name)
    return std::nullopt;
  auto root = content::Digest::FromProto(state.root());
  if (!root.ok()) return std::nullopt;
  return WorkspaceInfo{name,    state.checkout(), *root, false, absl::FromUnixSeconds(state.last_use_time().seconds()),
                       flushed, state.build_id()};
}

absl::Status WorkspacePool::WriteState(const WorkspaceInfo& info, bool durable) const {
  wasmagent::v1::Workspace state;
  state.set_name(info.name);
  *state.mutable_checkout() = info.checkout;
  *state.mutable_root() = info.root.ToProto();
  state.set_busy(info.busy);
  state.mutable_last_use_time()->set_seconds(absl::ToUnixSeconds(info.last_use));
  state.set_build_id(info.build_id);
  std::string bytes = fmt::format("{}\n{}", info.flushed ? kFlushed : boot_id_, state.SerializeAsString());
  return platform::WriteFileAtomically(StatePath(directory_, info.name), bytes, 0600, durable);
}

absl::Status WorkspacePool::Flush() {
  std::map<std::string, absl::Time> ready;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, info] : workspaces_) {
      if (!info.busy && !info.flushed) ready[name] = info.last_use;
    }
  }
  if (ready.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto fd, platform::OpenAt(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return platform::ErrnoStatus(errno, "flush the workspaces' disk");
  // Under the lock, which whoever takes one needs: after that the file must not say "flushed" again.
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, last_use] : ready) {
    auto found = workspaces_.find(name);
    if (found == workspaces_.end() || found->second.busy || found->second.last_use != last_use) continue;
    WorkspaceInfo flushed = found->second;
    flushed.flushed = true;
    RETURN_IF_ERROR(WriteState(flushed));
    found->second = std::move(flushed);
  }
  return absl::OkStatus();
}

std::optional<std::string> WorkspacePool::TakeLeastRecentlyUsed() {
  const WorkspaceInfo* oldest = nullptr;
  for (const auto& [name, info] : workspaces_) {
    if (!info.busy && (!oldest || info.last_use < oldest->last_use)) oldest = &info;
  }
  if (!oldest) return std::nullopt;
  std::string name = oldest->name;
  workspaces_.erase(name);
  return name;
}

absl::StatusOr<std::unique_ptr<Workspace>> WorkspacePool::Acquire(const wasmagent::v1::Checkout& checkout,
                                                                  const std::string& build_id) {
  WorkspaceInfo taken;
  bool warm = false;
  size_t busy = 0;  // workspaces of the checkout that others use
  bool was_flushed = false;
  std::optional<std::string> evicted;
  {
    absl::MutexLock lock(&mutex_);
    WorkspaceInfo* best = nullptr;
    for (auto& [name, info] : workspaces_) {
      bool fits = !info.busy && info.checkout.id() == checkout.id();
      busy += info.busy && info.checkout.id() == checkout.id() ? 1 : 0;
      if (fits && (!best || best->last_use < info.last_use)) best = &info;
    }
    if (best) {
      warm = true;
    } else {
      if (workspaces_.size() >= limit_) evicted = TakeLeastRecentlyUsed();
      std::string name = fmt::format("ws-{}", next_number_++);
      best = &workspaces_[name];
      best->name = name;
    }
    best->busy = true;
    best->checkout = checkout;
    best->last_use = clock_.Now();
    best->build_id = build_id;
    was_flushed = std::exchange(best->flushed, false);
    taken = *best;
  }
  // One that cannot be removed is no fault of this build; it is out of the way, and the next start tries again.
  if (evicted) {
    if (absl::Status gone = Discard(*evicted); !gone.ok())
      spdlog::warn("workspace {}: {}", *evicted, std::string(gone.message()));
  }
  std::string directory = directory_ + "/" + taken.name;
  std::unique_ptr<Workspace> workspace(new Workspace(*this, taken.name, directory, warm));
  if (!warm) workspace->reason_ = ReasonForNew(busy);
  RETURN_IF_ERROR(platform::MakeDirectories(directory, 0700));
  // Durable where the disk says "flushed": that must not outlive what the build now writes.
  RETURN_IF_ERROR_CTX(WriteState(taken, /*durable=*/was_flushed), "mark the workspace as in use");
  if (!warm) RETURN_IF_ERROR(platform::MakeDirectories(workspace->source()));
  RETURN_IF_ERROR(platform::MakeDirectories(workspace->temporary(), 0700));
  return workspace;
}

void WorkspacePool::GiveBack(Workspace& workspace) {
  if (workspace.borrowed_) {
    absl::MutexLock lock(&mutex_);
    workspaces_[workspace.name_].busy = false;
    return;
  }
  WorkspaceInfo info;
  {
    absl::MutexLock lock(&mutex_);
    info = workspaces_[workspace.name_];
  }
  bool keep = workspace.keep_;
  if (keep) {
    info.busy = false;
    info.root = workspace.root_;
    info.last_use = clock_.Now();
    keep = platform::RemoveTree(workspace.temporary()).ok() && WriteState(info).ok();
  }
  // A workspace that cannot be marked or removed stays marked as busy on disk, and goes at the next start.
  if (!keep) (void)Discard(workspace.name_);
  absl::MutexLock lock(&mutex_);
  if (keep) {
    workspaces_[workspace.name_] = info;
  } else {
    workspaces_.erase(workspace.name_);
  }
}

absl::Status WorkspacePool::Discard(const std::string& name) const {
  std::string trash = fmt::format("{}/{}{}", directory_, kTrash, name);
  std::string path = directory_ + "/" + name;
  if (::rename(path.c_str(), trash.c_str()) != 0) {
    if (errno == ENOENT) return absl::OkStatus();
    return platform::RemoveTree(path);
  }
  return platform::RemoveTree(trash);
}

std::vector<WorkspaceInfo> WorkspacePool::List() const {
  std::vector<WorkspaceInfo> all;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [name, info] : workspaces_) all.push_back(info);
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.last_use > b.last_use; });
  return all;
}

absl::StatusOr<std::unique_ptr<Workspace>> WorkspacePool::Reopen(const std::string& name, const std::string& build_id) {
  absl::MutexLock lock(&mutex_);
  auto found = workspaces_.find(name);
  if (found == workspaces_.end()) {
    return absl::NotFoundError(fmt::format(
        "the agent no longer has workspace {}: it was given up for others, or did not outlive the build", name));
  }
  if (found->second.build_id != build_id) {
    return absl::FailedPreconditionError(
        fmt::format("workspace {} has been used by build {} since", name, found->second.build_id.substr(0, 8)));
  }
  if (found->second.busy) return absl::FailedPreconditionError(fmt::format("workspace {} is in use; try again", name));
  found->second.busy = true;
  std::unique_ptr<Workspace> workspace(new Workspace(*this, name, directory_ + "/" + name, /*warm=*/true));
  workspace->borrowed_ = true;
  return workspace;
}

absl::StatusOr<content::Digest> WorkspacePool::Verify(const std::string& checkout_id, WorkspaceInfo* info,
                                                      std::vector<std::string>* differences) {
  std::string name;
  for (const WorkspaceInfo& candidate : List()) {
    if (candidate.checkout.id() != checkout_id) continue;
    if (candidate.busy)
      return absl::UnavailableError("a build uses the workspace of this checkout; try again when it has ended");
    name = candidate.name;
    *info = candidate;
    break;
  }
  if (name.empty()) {
    return absl::NotFoundError(
        "the agent has no workspace of this checkout: it was never built here, or was given up for others");
  }
  {
    absl::MutexLock lock(&mutex_);
    auto found = workspaces_.find(name);
    if (found == workspaces_.end() || found->second.busy) return absl::UnavailableError("the workspace was just taken");
    found->second.busy = true;
  }
  std::string directory = directory_ + "/" + name;
  auto manifest = Manifest::Load(directory + "/manifest");
  auto root = manifest.ok() ? DigestOnDisk(directory + "/src", *manifest, differences)
                            : absl::StatusOr<content::Digest>(manifest.status());
  absl::MutexLock lock(&mutex_);
  workspaces_[name].busy = false;
  return root;
}

absl::StatusOr<bool> WorkspacePool::RemoveOneIdle() {
  std::optional<std::string> name;
  {
    absl::MutexLock lock(&mutex_);
    name = TakeLeastRecentlyUsed();
  }
  if (!name) return false;
  RETURN_IF_ERROR(Discard(*name));
  return true;
}

absl::StatusOr<uint64_t> WorkspacePool::RemoveIdle() {
  uint64_t removed = 0;
  while (true) {
    ASSIGN_OR_RETURN(bool one, RemoveOneIdle());
    if (!one) return removed;
    ++removed;
  }
}

}  // namespace wasmagent::workspace
