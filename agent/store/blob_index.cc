#include "agent/store/blob_index.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

namespace wasmagent::store {
namespace {

// Size and mtime of a blob's file; unset when it is not there.
std::optional<std::pair<uint64_t, uint32_t>> ReadSize(const StoreLayout& layout, const Hash& hash) {
  struct stat info;
  if (::fstatat(layout.root_fd(), StoreLayout::BlobName(hash).c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return std::nullopt;
  return std::pair(static_cast<uint64_t>(info.st_size), static_cast<uint32_t>(info.st_mtime));
}

}  // namespace

void BlobIndex::Fill(const std::vector<Hash>& hashes) {
  absl::MutexLock lock(&mutex_);
  blobs_.reserve(hashes.size());
  for (const Hash& hash : hashes) unsized_ += blobs_.try_emplace(hash).second ? 1 : 0;
}

void BlobIndex::NoteUse(const Hash& hash) {
  if (collecting_ && !kept_.contains(hash)) used_.push_back(hash);
}

std::optional<BlobInfo> BlobIndex::Use(const content::Digest& digest, uint32_t now) {
  std::optional<std::pair<uint64_t, uint32_t>> read;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      auto found = blobs_.find(digest.hash);
      if (found == blobs_.end()) return std::nullopt;
      BlobInfo& info = found->second;
      if (!info.sized && read) {
        info.size = read->first;
        info.last_use = read->second;
        info.sized = 1;
        bytes_ += info.size;
        --unsized_;
      }
      if (info.sized) {
        if (info.size != digest.size) return std::nullopt;
        if (info.last_use < now) {
          info.last_use = now;
          info.unsaved = 1;
        }
        NoteUse(digest.hash);
        return info;
      }
    }
    read = ReadSize(layout_, digest.hash);
    if (!read) {
      Lose(digest.hash);
      return std::nullopt;
    }
  }
}

std::optional<BlobInfo> BlobIndex::Find(const Hash& hash) {
  absl::MutexLock lock(&mutex_);
  auto found = blobs_.find(hash);
  return found == blobs_.end() ? std::nullopt : std::optional(found->second);
}

void BlobIndex::Add(const content::Digest& digest, BlobKind kind, uint32_t now) {
  absl::MutexLock lock(&mutex_);
  auto [entry, is_new] = blobs_.try_emplace(digest.hash);
  BlobInfo& info = entry->second;
  if (!is_new && info.sized) bytes_ -= info.size;
  if (!is_new && !info.sized) --unsized_;
  info.size = digest.size & ((uint64_t{1} << 48) - 1);
  info.sized = 1;
  info.last_use = now;
  info.unsaved = 0;  // the file has just been written
  if (kind != BlobKind::kUnknown) info.kind = static_cast<uint64_t>(kind) & 3;
  bytes_ += info.size;
  NoteUse(digest.hash);
}

void BlobIndex::SetKind(const Hash& hash, BlobKind kind) {
  absl::MutexLock lock(&mutex_);
  auto found = blobs_.find(hash);
  if (found != blobs_.end()) found->second.kind = static_cast<uint64_t>(kind) & 3;
}

void BlobIndex::SetWhole(const std::vector<std::pair<Hash, uint32_t>>& directories) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [hash, paths] : directories) {
    auto found = blobs_.find(hash);
    if (found == blobs_.end()) continue;
    found->second.paths = paths;
    found->second.kind = static_cast<uint64_t>(BlobKind::kDirectory);
    found->second.whole = 1;
  }
}

void BlobIndex::Lose(const Hash& hash) {
  absl::MutexLock lock(&mutex_);
  auto found = blobs_.find(hash);
  if (found == blobs_.end()) return;
  if (found->second.sized) {
    bytes_ -= found->second.size;
  } else {
    --unsized_;
  }
  blobs_.erase(found);
  for (auto& [other, info] : blobs_) info.whole = 0;
}

void BlobIndex::ReadSizes() {
  std::vector<Hash> unsized;
  {
    absl::MutexLock lock(&mutex_);
    if (unsized_ == 0) return;
    for (const auto& [hash, info] : blobs_) {
      if (!info.sized) unsized.push_back(hash);
    }
  }
  for (const Hash& hash : unsized) {
    auto read = ReadSize(layout_, hash);
    if (!read) {
      Lose(hash);
      continue;
    }
    absl::MutexLock lock(&mutex_);
    auto found = blobs_.find(hash);
    if (found == blobs_.end() || found->second.sized) continue;
    found->second.size = read->first & ((uint64_t{1} << 48) - 1);
    found->second.last_use = read->second;
    found->second.sized = 1;
    bytes_ += read->first;
    --unsized_;
  }
}

std::vector<std::pair<Hash, BlobInfo>> BlobIndex::Snapshot() {
  ReadSizes();
  absl::MutexLock lock(&mutex_);
  return {blobs_.begin(), blobs_.end()};
}

std::vector<std::pair<Hash, uint32_t>> BlobIndex::TakeUnsaved() {
  absl::MutexLock lock(&mutex_);
  std::vector<std::pair<Hash, uint32_t>> unsaved;
  for (auto& [hash, info] : blobs_) {
    if (!info.unsaved) continue;
    info.unsaved = 0;
    unsaved.emplace_back(hash, info.last_use);
  }
  return unsaved;
}

std::pair<uint64_t, uint64_t> BlobIndex::Totals() {
  ReadSizes();
  absl::MutexLock lock(&mutex_);
  return {blobs_.size(), bytes_};
}

void BlobIndex::BeginCollection() {
  absl::MutexLock lock(&mutex_);
  collecting_ = true;
}

void BlobIndex::EndCollection() {
  absl::MutexLock lock(&mutex_);
  collecting_ = false;
  kept_ = {};
  used_ = {};
}

std::vector<Hash> BlobIndex::TakeUsed() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(used_, {});
}

void BlobIndex::Keep(const std::vector<Hash>& kept) {
  absl::MutexLock lock(&mutex_);
  kept_.insert(kept.begin(), kept.end());
}

bool BlobIndex::Remove(const std::vector<Hash>& hashes, std::vector<Hash>& removed) {
  absl::MutexLock lock(&mutex_);
  if (!used_.empty()) return false;
  for (const Hash& hash : hashes) {
    auto found = blobs_.find(hash);
    if (found == blobs_.end() || kept_.contains(hash) || pinned_.contains(hash)) continue;
    if (found->second.sized) bytes_ -= found->second.size;
    if (!found->second.sized) --unsized_;
    blobs_.erase(found);
    going_.insert(hash);
    removed.push_back(hash);
  }
  return true;
}

void BlobIndex::Gone(const std::vector<Hash>& removed) {
  absl::MutexLock lock(&mutex_);
  for (const Hash& hash : removed) going_.erase(hash);
  gone_.SignalAll();
}

void BlobIndex::Pin(const Hash& hash) {
  absl::MutexLock lock(&mutex_);
  while (going_.contains(hash)) gone_.Wait(&mutex_);
  ++pinned_[hash];
  NoteUse(hash);
}

void BlobIndex::Unpin(const Hash& hash) {
  absl::MutexLock lock(&mutex_);
  auto found = pinned_.find(hash);
  if (found != pinned_.end() && --found->second == 0) pinned_.erase(found);
}

}  // namespace wasmagent::store
