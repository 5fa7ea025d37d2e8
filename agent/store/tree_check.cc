#include "agent/store/tree_check.h"

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::store {

using content::Digest;

void TreeCheck::Miss(const Digest& digest) {
  if (missing_.size() < limit_ && listed_.insert(digest).second) missing_.push_back(digest);
}

TreeCheck::Known TreeCheck::Look(const Digest& directory, uint64_t& paths) {
  paths = 0;
  if (directory == Digest::Empty()) return Known::kWhole;
  auto seen = seen_.find(directory);
  if (seen != seen_.end()) {
    paths = seen->second.paths;
    return seen->second.whole ? Known::kWhole : Known::kBroken;
  }
  auto info = index_.Use(directory, now_);
  if (!info) {
    Miss(directory);
    seen_[directory] = {};
    return Known::kBroken;
  }
  if (!info->whole) return Known::kUnread;
  paths = info->paths;
  return Known::kWhole;
}

absl::StatusOr<TreeCheck::Frame> TreeCheck::Open(const Digest& directory) {
  ASSIGN_OR_RETURN(std::string bytes, read_(directory));
  ASSIGN_OR_RETURN_CTX(auto message, content::ParseDirectory(bytes), directory.ToString());
  Frame frame;
  frame.digest = directory;
  for (const auto& file : message.files()) {
    ASSIGN_OR_RETURN(Digest digest, Digest::FromProto(file.digest()));
    if (digest == Digest::Empty() || index_.Use(digest, now_)) continue;
    Miss(digest);
    frame.whole = false;
  }
  for (const auto& child : message.directories()) {
    ASSIGN_OR_RETURN(Digest digest, Digest::FromProto(child.digest()));
    frame.folders.push_back(digest);
  }
  frame.paths = static_cast<uint64_t>(message.files_size()) + static_cast<uint64_t>(message.symlinks_size()) +
                frame.folders.size();
  return frame;
}

absl::StatusOr<bool> TreeCheck::IsWhole(const Digest& directory) {
  uint64_t below = 0;
  Known root = Look(directory, below);
  if (root != Known::kUnread) return root == Known::kWhole;
  std::vector<std::pair<Hash, uint32_t>> whole;
  std::vector<Frame> stack;
  ASSIGN_OR_RETURN(Frame first, Open(directory));
  stack.push_back(std::move(first));
  while (true) {
    Frame& top = stack.back();
    if (top.paths > kMostPaths) {
      return absl::InvalidArgumentError(
          fmt::format("tree {}: more than {} files and folders", top.digest.ToString(), kMostPaths));
    }
    if (top.next < top.folders.size() && missing_.size() < limit_) {
      const Digest child = top.folders[top.next++];
      Known known = Look(child, below);
      if (known == Known::kBroken) top.whole = false;
      top.paths += below;
      if (known != Known::kUnread) continue;
      // A Merkle tree has no cycles; depth alone needs a bound.
      if (stack.size() > content::kMaxTreeDepth) {
        return absl::InvalidArgumentError(
            fmt::format("tree {}: more than {} levels deep", directory.ToString(), content::kMaxTreeDepth));
      }
      ASSIGN_OR_RETURN(Frame frame, Open(child));
      stack.push_back(std::move(frame));
      continue;
    }
    // A walk that was cut by the limit has not seen the rest.
    bool is_whole = top.whole && top.next == top.folders.size();
    auto paths = static_cast<uint32_t>(top.paths);
    seen_[top.digest] = {is_whole, paths};
    if (is_whole) whole.emplace_back(top.digest.hash, paths);
    stack.pop_back();
    if (stack.empty()) {
      index_.SetWhole(whole);
      return is_whole;
    }
    stack.back().paths += paths;
    if (!is_whole) stack.back().whole = false;
  }
}

}  // namespace wasmagent::store
