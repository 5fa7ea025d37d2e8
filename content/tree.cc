#include "content/tree.h"

#include <algorithm>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/escaping.h"
#include "content/tree_builder.h"
#include "content/utf8.h"
#include "fmt/format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Linux' NAME_MAX and PATH_MAX without the closing NUL.
constexpr size_t kMaxName = 255;
constexpr size_t kMaxTarget = 4095;

std::string Escaped(std::string_view text) {
  absl::string_view view(text.data(), text.size());
  return IsUtf8(text) ? absl::Utf8SafeCHexEscape(view) : absl::CHexEscape(view);
}

// Folders by path, made when first needed.
class FolderMap {
 public:
  explicit FolderMap(TreeBuilder& builder) : builder_(builder) {}

  // `path` must outlive the map.
  absl::StatusOr<TreeBuilder::FolderId> Find(std::string_view path) {
    if (path.empty()) return TreeBuilder::kRoot;
    if (path == last_path_) return last_;
    // Upwards until a folder is known, then down again: a loop, since paths may be 2,048 levels deep.
    std::vector<std::string_view> unknown;
    TreeBuilder::FolderId folder = TreeBuilder::kRoot;
    for (std::string_view above = path; !above.empty(); above = ParentOf(above)) {
      auto found = folders_.find(above);
      if (found != folders_.end()) {
        folder = found->second;
        break;
      }
      unknown.push_back(above);
    }
    for (auto below = unknown.rbegin(); below != unknown.rend(); ++below) {
      ASSIGN_OR_RETURN(folder, builder_.AddFolder(folder, NameOf(*below)));
      folders_.emplace(*below, folder);
    }
    last_path_ = path;
    last_ = folder;
    return folder;
  }

  static std::string_view ParentOf(std::string_view path) {
    size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  static std::string_view NameOf(std::string_view path) {
    size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
  }

 private:
  TreeBuilder& builder_;
  absl::flat_hash_map<std::string_view, TreeBuilder::FolderId> folders_;
  std::string_view last_path_;
  TreeBuilder::FolderId last_ = TreeBuilder::kRoot;
};

absl::Status CheckPath(std::string_view path) {
  // "a//b" and "/a" would make an empty name, which the builder refuses, but a leading slash makes an empty parent,
  // which means the root.
  if (path.empty() || path.front() == '/' || path.find("//") != std::string_view::npos) {
    return absl::InvalidArgumentError(fmt::format("'{}': not a plain relative path", Escaped(path)));
  }
  if (std::count(path.begin(), path.end(), '/') >= kMaxTreeDepth) {
    return absl::InvalidArgumentError(
        fmt::format("'{}…': more than {} levels deep", Escaped(path.substr(0, 200)), kMaxTreeDepth));
  }
  return absl::OkStatus();
}

template <typename Nodes>
absl::Status CheckSorted(const Nodes& nodes) {
  const std::string* before = nullptr;
  for (const auto& node : nodes) {
    RETURN_IF_ERROR(CheckName(node.name()));
    if (before != nullptr && *before >= node.name()) {
      return absl::InvalidArgumentError(fmt::format("'{}' does not come after '{}'", node.name(), *before));
    }
    before = &node.name();
  }
  return absl::OkStatus();
}

// Takes a length-delimited field with this key off the front; unset when there is none.
std::optional<std::string_view> TakeField(std::string_view& bytes, char key) {
  if (bytes.empty() || bytes[0] != key) return std::nullopt;
  uint64_t size = 0;
  size_t at = 1;
  for (int shift = 0; at < bytes.size() && shift < 35; shift += 7) {
    uint8_t byte = static_cast<uint8_t>(bytes[at++]);
    size |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) != 0) continue;
    if (size > bytes.size() - at) return std::nullopt;
    std::string_view field = bytes.substr(at, size);
    bytes.remove_prefix(at + size);
    return field;
  }
  return std::nullopt;
}

// Whether every node begins with a good name and a text or digest, as canonical ones do. Most blobs that only look like
// a Directory at their first byte end here; protobuf would write to stderr about each text in them that is not UTF-8.
bool HasTheShapeOfADirectory(std::string_view bytes) {
  while (!bytes.empty()) {
    char key = bytes[0];
    std::optional<std::string_view> node = TakeField(bytes, key);
    if (!node || !MayBeDirectory(std::string_view(&key, 1))) return false;
    if (key == ((5 << 3) | 2)) continue;  // properties
    std::optional<std::string_view> name = TakeField(*node, (1 << 3) | 2);
    std::optional<std::string_view> second = TakeField(*node, (2 << 3) | 2);
    if (!name || !second || !CheckName(*name).ok()) return false;
    bool link = key == ((3 << 3) | 2);
    std::optional<std::string_view> hash = link ? second : TakeField(*second, (1 << 3) | 2);
    if (!hash || !IsUtf8(*hash)) return false;
  }
  return true;
}

// The three lists are sorted each: one pass over two of them at a time finds a name that is in both.
template <typename A, typename B>
absl::Status CheckDisjoint(const A& a, const B& b) {
  auto i = a.begin();
  auto j = b.begin();
  while (i != a.end() && j != b.end()) {
    int order = i->name().compare(j->name());
    if (order == 0) return absl::InvalidArgumentError(fmt::format("'{}' is there twice", i->name()));
    if (order < 0) {
      ++i;
    } else {
      ++j;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckName(std::string_view name) {
  const char* fault = nullptr;
  if (name.empty()) {
    fault = "an empty name";
  } else if (name == "." || name == "..") {
    fault = "not a name but a place";
  } else if (name.find('/') != std::string_view::npos) {
    fault = "a name must not have a slash in it";
  } else if (name.find('\0') != std::string_view::npos) {
    fault = "a name must not have a NUL in it";
  } else if (name.size() > kMaxName) {
    fault = "a name must have at most 255 bytes";
  } else if (!IsUtf8(name)) {
    fault = "a name must be valid UTF-8, the protocol carries nothing else";
  }
  if (fault == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("'{}': {}", Escaped(name), fault));
}

absl::Status CheckTarget(std::string_view target) {
  if (!target.empty() && target.size() <= kMaxTarget && target.find('\0') == std::string_view::npos && IsUtf8(target)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}': a link's text must be valid UTF-8 of 1 to {} bytes without NUL", Escaped(target), kMaxTarget));
}

absl::StatusOr<TreeBlobs> BuildTree(std::vector<TreeEntry> entries) {
  TreeBuilder builder;
  FolderMap folders(builder);
  absl::flat_hash_set<std::string_view> explicit_folders;
  for (const TreeEntry& entry : entries) {
    RETURN_IF_ERROR(CheckPath(entry.path));
    if (entry.kind == EntryKind::kDirectory) {
      RETURN_IF_ERROR(folders.Find(entry.path).status());
      if (!explicit_folders.insert(entry.path).second) {
        return absl::InvalidArgumentError(fmt::format("{} is in the tree twice", entry.path));
      }
      continue;
    }
    ASSIGN_OR_RETURN(auto parent, folders.Find(FolderMap::ParentOf(entry.path)));
    std::string_view name = FolderMap::NameOf(entry.path);
    if (entry.kind == EntryKind::kSymlink) {
      RETURN_IF_ERROR(builder.AddSymlink(parent, name, entry.target));
    } else {
      RETURN_IF_ERROR(builder.AddFile(parent, name, entry.digest, entry.kind == EntryKind::kExecutable));
    }
  }
  return std::move(builder).Finish();
}

std::string SerializeDirectory(const reapi::Directory& directory) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  directory.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

bool MayBeDirectory(std::string_view first_bytes) {
  if (first_bytes.empty()) return true;
  char key = first_bytes[0];
  // Length-delimited fields 1, 2, 3 and 5 of Directory.
  return key == ((1 << 3) | 2) || key == ((2 << 3) | 2) || key == ((3 << 3) | 2) || key == ((5 << 3) | 2);
}

absl::StatusOr<reapi::Directory> ParseDirectory(std::string_view bytes) {
  reapi::Directory directory;
  if (!HasTheShapeOfADirectory(bytes) || bytes.size() > static_cast<size_t>(INT32_MAX) ||
      !directory.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not a Directory message");
  }
  RETURN_IF_ERROR_CTX(CheckSorted(directory.files()), "Directory, files");
  RETURN_IF_ERROR_CTX(CheckSorted(directory.directories()), "Directory, directories");
  RETURN_IF_ERROR_CTX(CheckSorted(directory.symlinks()), "Directory, symlinks");
  RETURN_IF_ERROR_CTX(CheckDisjoint(directory.files(), directory.directories()), "Directory");
  RETURN_IF_ERROR_CTX(CheckDisjoint(directory.files(), directory.symlinks()), "Directory");
  RETURN_IF_ERROR_CTX(CheckDisjoint(directory.directories(), directory.symlinks()), "Directory");
  for (const auto& file : directory.files())
    RETURN_IF_ERROR_CTX(Digest::FromProto(file.digest()).status(), file.name());
  for (const auto& child : directory.directories()) {
    RETURN_IF_ERROR_CTX(Digest::FromProto(child.digest()).status(), child.name());
  }
  for (const auto& link : directory.symlinks()) RETURN_IF_ERROR_CTX(CheckTarget(link.target()), link.name());
  directory.DiscardUnknownFields();
  // Unknown fields, fields out of order and overlong numbers all show in another spelling.
  if (SerializeDirectory(directory) != bytes) {
    return absl::InvalidArgumentError("Directory message is not in canonical form");
  }
  return directory;
}

}  // namespace wasmagent::content
