#include "agent/store/tree_check.h"

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::store {

using content::Digest;

void TreeCheck::Miss(const Digest& digest) {
  if (missing_.size() < limit_ && listed_.insert(digest).second) missing_.push_back(digest);
}

TreeCheck::Known TreeCheck::Look(const Digest& directory) {
  if (directory == Digest::Empty()) return Known::kWhole;
  auto seen = seen_.find(directory);
  if (seen != seen_.end()) return seen->second ? Known::kWhole : Known::kBroken;
  auto info = index_.Use(directory, now_);
  if (!info) {
    Miss(directory);
    seen_[directory] = false;
    return Known::kBroken;
  }
  return info->whole ? Known::kWhole : Known::kUnread;
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
  return frame;
}

absl::StatusOr<bool> TreeCheck::IsWhole(const Digest& directory) {
  Known root = Look(directory);
  if (root != Known::kUnread) return root == Known::kWhole;
  std::vector<Hash> whole;
  std::vector<Frame> stack;
  ASSIGN_OR_RETURN(Frame first, Open(directory));
  stack.push_back(std::move(first));
  while (true) {
    Frame& top = stack.back();
    if (top.next < top.folders.size() && missing_.size() < limit_) {
      const Digest child = top.folders[top.next++];
      Known known = Look(child);
      if (known == Known::kBroken) top.whole = false;
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
    seen_[top.digest] = is_whole;
    if (is_whole) whole.push_back(top.digest.hash);
    stack.pop_back();
    if (stack.empty()) {
      index_.SetWhole(whole);
      return is_whole;
    }
    if (!is_whole) stack.back().whole = false;
  }
}

}  // namespace wasmagent::store
