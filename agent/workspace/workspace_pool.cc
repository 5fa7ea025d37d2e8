#include "agent/workspace/workspace_pool.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/numbers.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"
#include "wasmagent/v1/agent_service.pb.h"

namespace wasmagent::workspace {
namespace {

// Where a discarded workspace goes before its files are unlinked: renaming is one step, so a name is whole or gone.
constexpr std::string_view kTrash = ".trash-";

std::string StatePath(const std::string& directory, const std::string& name) {
  return directory + "/" + name + "/state";
}

}  // namespace

Workspace::~Workspace() { pool_.GiveBack(*this); }

absl::Status Workspace::Sync(store::BlobStore& store, const content::Digest& root, SyncStats* stats,
                             const SyncProgress& progress) {
  std::string manifest_path = directory_ + "/manifest";
  Manifest before;
  auto loaded = Manifest::Load(manifest_path);
  if (loaded.ok()) {
    before = *std::move(loaded);
  } else if (!absl::IsNotFound(loaded.status())) {
    // A damaged manifest: what is on disk cannot be trusted to be what it says.
    RETURN_IF_ERROR(platform::RemoveTree(source()));
    RETURN_IF_ERROR(platform::MakeDirectories(source()));
  }
  SyncStats own;
  SyncStats& sums = stats ? *stats : own;
  ASSIGN_OR_RETURN_CTX(Manifest after, SyncTree(source(), store, before, root, &sums, progress),
                       fmt::format("sync workspace {}", name_));
  root_ = root;
  // Nothing touched and the same tree: the manifest on disk says it already.
  auto same_mark = [](const ManifestEntry& a, const ManifestEntry& b) { return a.mark == b.mark; };
  if (before.root == root &&
      std::equal(before.entries.begin(), before.entries.end(), after.entries.begin(), after.entries.end(), same_mark)) {
    return absl::OkStatus();
  }
  return after.Save(manifest_path);
}

absl::Status Workspace::Reset() {
  RETURN_IF_ERROR(platform::RemoveTree(source()));
  RETURN_IF_ERROR(platform::RemoveTree(directory_ + "/manifest"));
  return platform::MakeDirectories(source());
}

absl::StatusOr<absl::flat_hash_set<std::string>> Workspace::SourcePaths() const {
  ASSIGN_OR_RETURN_CTX(Manifest manifest, Manifest::Load(directory_ + "/manifest"), "list the source files");
  absl::flat_hash_set<std::string> paths;
  for (ManifestEntry& item : manifest.entries) {
    if (item.entry.kind != content::EntryKind::kDirectory) paths.insert(std::move(item.entry.path));
  }
  return paths;
}

std::string Workspace::Mark(const std::string& name) const {
  auto value = platform::ReadFile(directory_ + "/mark-" + name, 4096);
  return value.ok() ? *value : "";
}

absl::Status Workspace::SetMark(const std::string& name, const std::string& value) {
  std::string path = directory_ + "/mark-" + name;
  if (!value.empty()) return platform::WriteFileAtomically(path, value, 0600, /*durable=*/false);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return platform::ErrnoStatus(errno, path);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<WorkspacePool>> WorkspacePool::Open(const std::string& directory, size_t limit,
                                                                   const platform::Clock& clock) {
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(directory, 0700), "workspaces");
  std::unique_ptr<WorkspacePool> pool(new WorkspacePool(directory, limit, clock));
  RETURN_IF_ERROR_CTX(pool->LoadExisting(), "workspaces");
  return pool;
}

absl::Status WorkspacePool::LoadExisting() {
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(directory_));
  absl::MutexLock lock(&mutex_);
  for (const auto& entry : entries) {
    wasmagent::v1::Workspace state;
    auto bytes = platform::ReadFile(StatePath(directory_, entry.name), 1 << 20);
    bool ready = bytes.ok() && state.ParseFromString(*bytes) && !state.busy() && state.name() == entry.name;
    auto root = content::Digest::FromProto(state.root());
    if (!ready || !root.ok()) {
      RETURN_IF_ERROR(platform::RemoveTree(directory_ + "/" + entry.name));
      continue;
    }
    WorkspaceInfo info{entry.name, state.checkout(), *root, false,
                       absl::FromUnixSeconds(state.last_use_time().seconds())};
    uint64_t number = 0;
    auto dash = entry.name.rfind('-');
    if (dash != std::string::npos && absl::SimpleAtoi(entry.name.substr(dash + 1), &number)) {
      next_number_ = std::max(next_number_, number + 1);
    }
    workspaces_.emplace(entry.name, std::move(info));
  }
  return absl::OkStatus();
}

absl::Status WorkspacePool::WriteState(const WorkspaceInfo& info, bool ready) const {
  wasmagent::v1::Workspace state;
  state.set_name(info.name);
  *state.mutable_checkout() = info.checkout;
  *state.mutable_root() = info.root.ToProto();
  state.set_busy(!ready);
  state.mutable_last_use_time()->set_seconds(absl::ToUnixSeconds(info.last_use));
  return platform::WriteFileAtomically(StatePath(directory_, info.name), state.SerializeAsString(), 0600,
                                       /*durable=*/false);
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

absl::StatusOr<std::unique_ptr<Workspace>> WorkspacePool::Acquire(const wasmagent::v1::Checkout& checkout) {
  WorkspaceInfo taken;
  bool warm = false;
  std::optional<std::string> evicted;
  {
    absl::MutexLock lock(&mutex_);
    WorkspaceInfo* best = nullptr;
    for (auto& [name, info] : workspaces_) {
      bool fits = !info.busy && info.checkout.id() == checkout.id();
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
    taken = *best;
  }
  if (evicted) RETURN_IF_ERROR_CTX(Discard(*evicted), "make room for a workspace");
  std::string directory = directory_ + "/" + taken.name;
  std::unique_ptr<Workspace> workspace(new Workspace(*this, taken.name, directory, warm));
  RETURN_IF_ERROR(platform::MakeDirectories(directory, 0700));
  RETURN_IF_ERROR_CTX(WriteState(taken, /*ready=*/false), "mark the workspace as in use");
  RETURN_IF_ERROR(platform::MakeDirectories(workspace->source()));
  RETURN_IF_ERROR(platform::MakeDirectories(workspace->temporary(), 0700));
  return workspace;
}

void WorkspacePool::GiveBack(Workspace& workspace) {
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
    keep = platform::RemoveTree(workspace.temporary()).ok() && WriteState(info, /*ready=*/true).ok();
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

std::vector<content::Digest> WorkspacePool::Roots() const {
  std::vector<content::Digest> roots;
  for (const WorkspaceInfo& info : List()) roots.push_back(info.root);
  return roots;
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

absl::StatusOr<uint64_t> WorkspacePool::RemoveIdle() {
  uint64_t removed = 0;
  while (true) {
    std::optional<std::string> name;
    {
      absl::MutexLock lock(&mutex_);
      name = TakeLeastRecentlyUsed();
    }
    if (!name) return removed;
    RETURN_IF_ERROR(Discard(*name));
    ++removed;
  }
}

}  // namespace wasmagent::workspace
