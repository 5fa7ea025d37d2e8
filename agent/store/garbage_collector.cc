#include "agent/store/garbage_collector.h"

#include <fcntl.h>

#include <algorithm>

#include "absl/cleanup/cleanup.h"
#include "agent/store/blob_files.h"
#include "content/tree.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::store {
namespace {

// Use that is never reached: what has it stays.
constexpr uint32_t kKept = UINT32_MAX;
// Blobs that go in one step: few, so that nobody waits long for the lock.
constexpr size_t kStep = 64;
// Largest Directory that is looked for: one with 500,000 files.
constexpr uint64_t kLargestDirectory = uint64_t{64} << 20;

}  // namespace

BlobKind ReadKind(const StoreLayout& layout, const content::DirectoryReader& read, const content::Digest& digest) {
  if (digest.size == 0 || digest.size > kLargestDirectory) return BlobKind::kLeaf;
  auto fd = platform::OpenAt(layout.root_fd(), StoreLayout::BlobName(digest.hash), O_RDONLY);
  char first = 0;
  if (!fd.ok() || platform::ReadAt(fd->get(), &first, 1, 0).value_or(0) != 1) return BlobKind::kUnknown;
  if (!content::MayBeDirectory(std::string_view(&first, 1))) return BlobKind::kLeaf;
  auto bytes = read(digest);
  return bytes.ok() ? KindOf(*bytes) : BlobKind::kUnknown;
}

std::vector<Hash> GarbageCollector::ChildrenOf(const Hash& hash, uint64_t size) {
  std::vector<Hash> children;
  auto bytes = read_(content::Digest{hash, size});
  if (!bytes.ok()) return children;
  auto directory = content::ParseDirectory(*bytes);
  if (!directory.ok()) return children;
  auto add = [&](const auto& node) {
    auto digest = content::Digest::FromProto(node.digest());
    if (digest.ok()) children.push_back(digest->hash);
  };
  for (const auto& file : directory->files()) add(file);
  for (const auto& child : directory->directories()) add(child);
  return children;
}

void GarbageCollector::ReadGraph() {
  for (auto& [hash, info] : index_.Snapshot()) {
    Node& node = nodes_[hash];
    node.size = info.size;
    node.last_use = info.last_use;
    bytes_ += info.size;
    BlobKind kind = static_cast<BlobKind>(info.kind);
    if (kind == BlobKind::kUnknown) {
      kind = ReadKind(layout_, read_, content::Digest{hash, info.size});
      index_.SetKind(hash, kind);
    }
    node.directory = kind == BlobKind::kDirectory;
    if (node.directory) node.children = ChildrenOf(hash, info.size);
  }
}

// Kahn's order over the Directories; each gives its use to what is below it.
void GarbageCollector::PassUseDown() {
  absl::flat_hash_map<Hash, uint32_t> parents;
  for (const auto& [hash, node] : nodes_) {
    for (const Hash& child : node.children) ++parents[child];
  }
  std::vector<Hash> ready;
  for (const auto& [hash, node] : nodes_) {
    if (node.directory && !parents.contains(hash)) ready.push_back(hash);
  }
  uint32_t rank = 0;
  while (!ready.empty()) {
    Hash hash = ready.back();
    ready.pop_back();
    Node& node = nodes_[hash];
    node.rank = rank++;
    for (const Hash& child : node.children) {
      auto below = nodes_.find(child);
      if (below == nodes_.end()) continue;
      below->second.last_use = std::max(below->second.last_use, node.last_use);
      if (--parents[child] == 0 && below->second.directory) ready.push_back(child);
    }
  }
}

void GarbageCollector::KeepClosure(std::vector<Hash> hashes) {
  std::vector<Hash> kept;
  while (!hashes.empty()) {
    Hash hash = hashes.back();
    hashes.pop_back();
    auto [entry, is_new] = nodes_.try_emplace(hash);
    Node& node = entry->second;
    if (is_new) {
      // Came after the graph was read.
      auto info = index_.Find(hash);
      if (!info) {
        nodes_.erase(entry);
        continue;
      }
      node.size = info->size;
      BlobKind kind = static_cast<BlobKind>(info->kind);
      // A large one comes as a stream, which looks at no kind.
      if (kind == BlobKind::kUnknown) kind = ReadKind(layout_, read_, content::Digest{hash, info->size});
      node.directory = kind == BlobKind::kDirectory;
      if (node.directory) node.children = ChildrenOf(hash, info->size);
    }
    if (node.last_use == kKept) continue;
    node.last_use = kKept;
    kept.push_back(hash);
    hashes.insert(hashes.end(), node.children.begin(), node.children.end());
  }
  index_.Keep(kept);
}

std::vector<Hash> GarbageCollector::Candidates() const {
  std::vector<const std::pair<const Hash, Node>*> sorted;
  for (const auto& entry : nodes_) {
    if (entry.second.last_use != kKept) sorted.push_back(&entry);
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.last_use, a->second.rank) < std::pair(b->second.last_use, b->second.rank);
  });
  std::vector<Hash> candidates;
  candidates.reserve(sorted.size());
  for (const auto* entry : sorted) candidates.push_back(entry->first);
  return candidates;
}

absl::Status GarbageCollector::Remove(const std::vector<Hash>& candidates, uint64_t budget, CollectResult& result) {
  for (size_t next = 0; next < candidates.size() && bytes_ > budget;) {
    std::vector<Hash> used = index_.TakeUsed();
    if (!used.empty()) {
      KeepClosure(std::move(used));
      continue;
    }
    std::vector<Hash> step;
    uint64_t step_bytes = 0;
    size_t end = next;
    for (; end < candidates.size() && step.size() < kStep && bytes_ - step_bytes > budget; ++end) {
      const Node& node = nodes_[candidates[end]];
      if (node.last_use == kKept) continue;
      step.push_back(candidates[end]);
      step_bytes += node.size;
    }
    std::vector<Hash> removed;
    if (!index_.Remove(step, removed)) continue;
    absl::Status status;
    for (const Hash& hash : removed) {
      if (status.ok()) status = layout_.Discard(hash);
      result.removed_blobs += 1;
      result.freed_bytes += nodes_[hash].size;
      bytes_ -= nodes_[hash].size;
    }
    index_.Gone(removed);
    RETURN_IF_ERROR_CTX(status, "collect blobs");
    next = end;
  }
  return absl::OkStatus();
}

absl::StatusOr<CollectResult> GarbageCollector::Run(uint64_t budget, const std::vector<content::Digest>& keep_roots,
                                                    uint32_t keep_since) {
  CollectResult result;
  if (index_.Totals().second <= budget) return result;
  index_.BeginCollection();
  absl::Cleanup end = [this] { index_.EndCollection(); };
  ReadGraph();
  std::vector<Hash> kept;
  for (const content::Digest& root : keep_roots) kept.push_back(root.hash);
  // After BeginCollection: a lease that is taken from now on notes a use.
  for (const content::Digest& digest : leases_.Held()) kept.push_back(digest.hash);
  for (const auto& [hash, node] : nodes_) {
    if (node.last_use >= keep_since) kept.push_back(hash);
  }
  KeepClosure(std::move(kept));
  PassUseDown();
  RETURN_IF_ERROR(Remove(Candidates(), budget, result));
  return result;
}

}  // namespace wasmagent::store
