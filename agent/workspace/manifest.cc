#include "agent/workspace/manifest.h"

#include <cstring>
#include <string_view>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::workspace {
namespace {

using content::Digest;
using content::EntryKind;

// "WAMF" and the format's number; a file of another format is treated as damaged, which costs one full sync.
constexpr std::string_view kMagic = "WAMF0001";

template <typename T>
void PutNumber(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void PutString(std::string& out, std::string_view text) {
  PutNumber<uint32_t>(out, static_cast<uint32_t>(text.size()));
  out.append(text);
}

void PutDigest(std::string& out, const Digest& digest) {
  out.append(reinterpret_cast<const char*>(digest.hash.data()), digest.hash.size());
  PutNumber<uint64_t>(out, digest.size);
}

// Takes values off the front of a buffer; `ok` turns false at the first that is not there.
struct Reader {
  std::string_view rest;
  bool ok = true;

  template <typename T>
  T Number() {
    T value = {};
    if (rest.size() < sizeof(T)) {
      ok = false;
      return value;
    }
    std::memcpy(&value, rest.data(), sizeof(T));
    rest.remove_prefix(sizeof(T));
    return value;
  }

  std::string String() {
    auto size = Number<uint32_t>();
    if (rest.size() < size) ok = false;
    if (!ok) return "";
    std::string text(rest.substr(0, size));
    rest.remove_prefix(size);
    return text;
  }

  Digest ReadDigest() {
    Digest digest;
    if (rest.size() < digest.hash.size()) {
      ok = false;
      return digest;
    }
    std::memcpy(digest.hash.data(), rest.data(), digest.hash.size());
    rest.remove_prefix(digest.hash.size());
    digest.size = Number<uint64_t>();
    return digest;
  }
};

int64_t Nanoseconds(const timespec& time) { return static_cast<int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec; }

}  // namespace

FileMark FileMark::Of(const struct stat& info) {
  return {info.st_ino, static_cast<uint64_t>(info.st_size), Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim),
          info.st_mode};
}

absl::StatusOr<Manifest> Manifest::Load(const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, platform::ReadFile(path));
  constexpr size_t kHead = kMagic.size() + sizeof(Digest::hash);
  if (bytes.size() < kHead || !std::string_view(bytes).starts_with(kMagic)) {
    return absl::DataLossError(fmt::format("{}: not a manifest", path));
  }
  Reader reader{std::string_view(bytes).substr(kHead)};
  if (std::memcmp(Digest::Of(reader.rest).hash.data(), bytes.data() + kMagic.size(), sizeof(Digest::hash)) != 0) {
    return absl::DataLossError(fmt::format("{}: wrong checksum", path));
  }
  Manifest manifest;
  manifest.root = reader.ReadDigest();
  auto count = reader.Number<uint64_t>();
  manifest.entries.reserve(std::min<uint64_t>(count, bytes.size()));
  for (uint64_t i = 0; i < count && reader.ok; ++i) {
    ManifestEntry& item = manifest.entries.emplace_back();
    item.entry.path = reader.String();
    item.entry.kind = static_cast<EntryKind>(reader.Number<uint8_t>());
    item.entry.digest = reader.ReadDigest();
    item.entry.target = reader.String();
    item.mark.inode = reader.Number<uint64_t>();
    item.mark.size = reader.Number<uint64_t>();
    item.mark.mtime_ns = reader.Number<int64_t>();
    item.mark.ctime_ns = reader.Number<int64_t>();
    item.mark.mode = reader.Number<uint32_t>();
  }
  if (!reader.ok || !reader.rest.empty()) return absl::DataLossError(fmt::format("{}: cut short", path));
  return manifest;
}

absl::Status Manifest::Save(const std::string& path) const {
  std::string body;
  body.reserve(entries.size() * 128 + 64);
  PutDigest(body, root);
  PutNumber<uint64_t>(body, entries.size());
  for (const ManifestEntry& item : entries) {
    PutString(body, item.entry.path);
    PutNumber<uint8_t>(body, static_cast<uint8_t>(item.entry.kind));
    PutDigest(body, item.entry.digest);
    PutString(body, item.entry.target);
    PutNumber<uint64_t>(body, item.mark.inode);
    PutNumber<uint64_t>(body, item.mark.size);
    PutNumber<int64_t>(body, item.mark.mtime_ns);
    PutNumber<int64_t>(body, item.mark.ctime_ns);
    PutNumber<uint32_t>(body, item.mark.mode);
  }
  Digest checksum = Digest::Of(body);
  std::string bytes(kMagic);
  bytes.append(reinterpret_cast<const char*>(checksum.hash.data()), checksum.hash.size());
  bytes += body;
  return platform::WriteFileAtomically(path, bytes, 0600, /*durable=*/false);
}

std::pair<size_t, size_t> Manifest::Below(size_t index) const {
  std::string prefix = entries[index].entry.path + "/";
  size_t end = index + 1;
  while (end < entries.size() && entries[end].entry.path.starts_with(prefix)) ++end;
  return {index + 1, end};
}

}  // namespace wasmagent::workspace
