#include "content/tree_builder.h"

#include <algorithm>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Field keys of the Directory message and its nodes: (number << 3) | wire type. Writing these bytes here, and not
// through protobuf's objects, makes a tree of 4,450 files in 2 ms; a test compares them with what protobuf writes.
constexpr char kDirectoryFile = (1 << 3) | 2;
constexpr char kDirectoryFolder = (2 << 3) | 2;
constexpr char kDirectorySymlink = (3 << 3) | 2;
constexpr char kNodeName = (1 << 3) | 2;
constexpr char kNodeDigest = (2 << 3) | 2;
constexpr char kNodeTarget = (2 << 3) | 2;
constexpr char kFileExecutable = (4 << 3) | 0;
constexpr char kDigestHash = (1 << 3) | 2;
constexpr char kDigestSize = (2 << 3) | 0;

void AppendVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

void AppendBytes(std::string& out, char key, std::string_view bytes) {
  out.push_back(key);
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

void AppendDigest(std::string& out, const Digest& digest) {
  std::string message;
  AppendBytes(message, kDigestHash, digest.Hex());
  if (digest.size != 0) {
    message.push_back(kDigestSize);
    AppendVarint(message, digest.size);
  }
  AppendBytes(out, kNodeDigest, message);
}

}  // namespace

TreeBuilder::TreeBuilder() : folders_(1) {}

TreeBuilder::Text TreeBuilder::Keep(std::string_view text) {
  Text kept;
  kept.offset = text_.size() & ((uint64_t{1} << 40) - 1);
  kept.size = text.size() & ((uint64_t{1} << 24) - 1);
  text_.append(text);
  return kept;
}

absl::Status TreeBuilder::CheckEntry(FolderId parent, std::string_view name) const {
  if (parent >= folders_.size()) return absl::InvalidArgumentError("no such folder in this tree");
  if (absl::Status status = CheckName(name); !status.ok()) {
    return platform::Annotate(status, parent == kRoot ? std::string("tree root") : "folder " + PathOf(parent));
  }
  return absl::OkStatus();
}

absl::StatusOr<TreeBuilder::FolderId> TreeBuilder::AddFolder(FolderId parent, std::string_view name) {
  RETURN_IF_ERROR(CheckEntry(parent, name));
  FolderId id = static_cast<FolderId>(folders_.size());
  Text kept = Keep(name);
  folders_[parent].entries.push_back({kept, id, EntryKind::kDirectory});
  Folder folder;
  folder.parent = parent;
  folder.name = kept;
  folders_.push_back(std::move(folder));
  return id;
}

absl::Status TreeBuilder::AddFile(FolderId parent, std::string_view name, const Digest& digest, bool executable) {
  RETURN_IF_ERROR(CheckEntry(parent, name));
  folders_[parent].entries.push_back(
      {Keep(name), static_cast<uint32_t>(digests_.size()), executable ? EntryKind::kExecutable : EntryKind::kFile});
  digests_.push_back(digest);
  return absl::OkStatus();
}

absl::Status TreeBuilder::AddSymlink(FolderId parent, std::string_view name, std::string_view target) {
  RETURN_IF_ERROR(CheckEntry(parent, name));
  RETURN_IF_ERROR_CTX(CheckTarget(target), fmt::format("link {} in folder '{}'", name, PathOf(parent)));
  folders_[parent].entries.push_back({Keep(name), static_cast<uint32_t>(targets_.size()), EntryKind::kSymlink});
  targets_.push_back(Keep(target));
  return absl::OkStatus();
}

std::string TreeBuilder::PathOf(FolderId folder) const {
  std::vector<std::string_view> names;
  for (FolderId at = folder; at != kRoot; at = folders_[at].parent) names.push_back(View(folders_[at].name));
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) path.append(path.empty() ? "" : "/").append(*name);
  return path;
}

absl::Status TreeBuilder::SortEntries(FolderId id) {
  auto& entries = folders_[id].entries;
  auto by_name = [this](const Entry& a, const Entry& b) { return View(a.name) < View(b.name); };
  if (!std::is_sorted(entries.begin(), entries.end(), by_name)) std::sort(entries.begin(), entries.end(), by_name);
  for (size_t i = 1; i < entries.size(); ++i) {
    if (View(entries[i - 1].name) != View(entries[i].name)) continue;
    std::string folder = PathOf(id);
    return absl::InvalidArgumentError(
        fmt::format("{}{}{} is in the tree twice", folder, folder.empty() ? "" : "/", View(entries[i].name)));
  }
  return absl::OkStatus();
}

std::string TreeBuilder::Encode(const Folder& folder) const {
  std::string bytes;
  std::string node;
  for (const Entry& entry : folder.entries) {
    if (entry.kind != EntryKind::kFile && entry.kind != EntryKind::kExecutable) continue;
    node.clear();
    AppendBytes(node, kNodeName, View(entry.name));
    AppendDigest(node, digests_[entry.index]);
    if (entry.kind == EntryKind::kExecutable) node.append({kFileExecutable, 1});
    AppendBytes(bytes, kDirectoryFile, node);
  }
  for (const Entry& entry : folder.entries) {
    if (entry.kind != EntryKind::kDirectory) continue;
    node.clear();
    AppendBytes(node, kNodeName, View(entry.name));
    AppendDigest(node, digests_[folders_[entry.index].digest]);
    AppendBytes(bytes, kDirectoryFolder, node);
  }
  for (const Entry& entry : folder.entries) {
    if (entry.kind != EntryKind::kSymlink) continue;
    node.clear();
    AppendBytes(node, kNodeName, View(entry.name));
    AppendBytes(node, kNodeTarget, View(targets_[entry.index]));
    AppendBytes(bytes, kDirectorySymlink, node);
  }
  return bytes;
}

absl::StatusOr<TreeBlobs> TreeBuilder::Finish() && {
  TreeBlobs tree;
  tree.files = digests_.size();
  for (const Digest& digest : digests_) tree.bytes += digest.size;
  absl::flat_hash_set<Digest> seen;
  // A folder's number is larger than its parent's, so going down means children first.
  for (size_t id = folders_.size(); id-- > 0;) {
    RETURN_IF_ERROR(SortEntries(static_cast<FolderId>(id)));
    std::string bytes = Encode(folders_[id]);
    Digest digest = Digest::Of(bytes);
    folders_[id].digest = static_cast<uint32_t>(digests_.size());
    digests_.push_back(digest);
    std::vector<Entry>().swap(folders_[id].entries);
    if (seen.insert(digest).second) tree.directories.emplace_back(digest, std::move(bytes));
    if (id == 0) tree.root = digest;
  }
  return tree;
}

}  // namespace wasmagent::content
