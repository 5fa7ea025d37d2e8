#include "content/resource_name.h"

#include <openssl/rand.h>

#include <array>
#include <vector>

#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::content {
namespace {

// Longest name that is looked at: an instance, a UUID, a digest and some metadata fit many times.
constexpr size_t kMaxName = 4096;

std::vector<std::string_view> Split(std::string_view name) {
  std::vector<std::string_view> segments;
  while (true) {
    size_t slash = name.find('/');
    segments.push_back(name.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    name.remove_prefix(slash + 1);
  }
}

bool IsReserved(std::string_view segment) {
  for (std::string_view word :
       {"blobs", "uploads", "actions", "actionResults", "operations", "capabilities", "compressed-blobs"}) {
    if (segment == word) return true;
  }
  return false;
}

// Digest functions that stand in a name; SHA-256 never does, it is told by the hash's length.
bool IsOtherFunction(std::string_view segment) {
  return segment == "blake3" || segment == "sha256tree" || segment == "gitsha1";
}

bool IsUploadId(std::string_view segment) {
  if (segment.empty() || segment.size() > 64) return false;
  for (char c : segment) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    if (!plain) return false;
  }
  return true;
}

absl::Status Bad(std::string_view why) { return absl::InvalidArgumentError(fmt::format("resource name: {}", why)); }

}  // namespace

std::string ResourceName::ToString() const {
  return fmt::format("{}{}{}{}{}{}{}", instance, instance.empty() ? "" : "/", uuid.empty() ? "" : "uploads/", uuid,
                     uuid.empty() ? "" : "/", zstd ? "compressed-blobs/zstd/" : "blobs/", digest.ToString());
}

absl::StatusOr<ResourceName> ParseResourceName(std::string_view name) {
  if (name.size() > kMaxName) return Bad("too long");
  std::vector<std::string_view> segments = Split(name);
  ResourceName parsed;
  size_t at = 0;
  while (at < segments.size() && !IsReserved(segments[at])) {
    if (segments[at].empty()) return Bad("an empty segment");
    parsed.instance.append(at == 0 ? "" : "/").append(segments[at]);
    ++at;
  }
  auto next = [&]() -> std::string_view { return at < segments.size() ? segments[at++] : std::string_view(); };
  std::string_view kind = next();
  if (kind == "uploads") {
    std::string_view uuid = next();
    if (!IsUploadId(uuid)) return Bad("uploads/ must be followed by a UUID");
    parsed.uuid = uuid;
    kind = next();
  }
  if (kind == "compressed-blobs") {
    std::string_view compressor = next();
    if (compressor != "zstd") {
      return absl::UnimplementedError(fmt::format("resource name: only zstd is known, not '{}'", compressor));
    }
    parsed.zstd = true;
  } else if (kind != "blobs") {
    return Bad("neither blobs/ nor compressed-blobs/");
  }
  std::string_view hash = next();
  if (IsOtherFunction(hash)) {
    return absl::UnimplementedError(fmt::format("resource name: only SHA-256 is known, not '{}'", hash));
  }
  std::string_view size = next();
  ASSIGN_OR_RETURN_CTX(parsed.digest, Digest::Parse(fmt::format("{}/{}", hash, size)), "resource name");
  if (!parsed.is_upload() && at < segments.size()) return Bad("nothing may follow the size");
  return parsed;
}

std::string NewUploadId() {
  std::array<unsigned char, 16> bytes = {};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3F) | 0x80);
  std::string id;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id.push_back('-');
    id += fmt::format("{:02x}", bytes[i]);
  }
  return id;
}

}  // namespace wasmagent::content
