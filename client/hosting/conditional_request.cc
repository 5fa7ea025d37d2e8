#include "client/hosting/conditional_request.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"

namespace wasmagent::client {
namespace {

constexpr char kHttpDate[] = "%a, %d %b %Y %H:%M:%S GMT";

// One of a list of tags is the file's. "W/" does not matter here: a compressed copy is the same version.
bool AnyTagMatches(const std::string& list, const std::string& entity_tag) {
  const std::vector<std::string> tags = absl::StrSplit(list, ',');
  return std::any_of(tags.begin(), tags.end(), [&](const std::string& padded) {
    const std::string tag(absl::StripAsciiWhitespace(padded));
    return tag == "*" || tag == entity_tag || tag == "W/" + entity_tag;
  });
}

}  // namespace

FileVersion FileVersion::Of(const struct stat& info) {
  FileVersion version;
  version.entity_tag =
      fmt::format("\"{:x}-{:x}-{:x}.{:x}\"", info.st_ino, info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
  version.modified = absl::FromTimeT(info.st_mtim.tv_sec);
  version.last_modified = absl::FormatTime(kHttpDate, version.modified, absl::UTCTimeZone());
  version.size = static_cast<uint64_t>(info.st_size);
  return version;
}

bool IsNotModified(const Conditions& conditions, const FileVersion& version) {
  // A tag says more than a date, so that the date counts only without one.
  if (!conditions.if_none_match.empty()) return AnyTagMatches(conditions.if_none_match, version.entity_tag);
  absl::Time since;
  if (conditions.if_modified_since.empty() ||
      !absl::ParseTime(kHttpDate, conditions.if_modified_since, &since, nullptr)) {
    return false;
  }
  return version.modified <= since;
}

absl::StatusOr<std::optional<ByteRange>> WantedRange(const Conditions& conditions, const FileVersion& version) {
  const std::string& text = conditions.range;
  constexpr size_t kUnit = sizeof("bytes=") - 1;
  if (!text.starts_with("bytes=") || text.find(',') != std::string::npos) return std::nullopt;
  if (!conditions.if_range.empty() && conditions.if_range != version.entity_tag &&
      conditions.if_range != version.last_modified) {
    return std::nullopt;
  }
  const size_t dash = text.find('-');
  if (dash == std::string::npos) return std::nullopt;
  const std::string first = text.substr(kUnit, dash - kUnit), last = text.substr(dash + 1);
  uint64_t begin = 0, end = version.size;  // one past the last byte
  if (first.empty()) {
    uint64_t count = 0;
    if (!absl::SimpleAtoi(last, &count)) return std::nullopt;
    begin = version.size - std::min(count, version.size);
  } else {
    uint64_t last_byte = UINT64_MAX;
    if (!absl::SimpleAtoi(first, &begin) || (!last.empty() && !absl::SimpleAtoi(last, &last_byte))) return std::nullopt;
    if (last_byte < begin) return std::nullopt;
    if (last_byte < version.size) end = last_byte + 1;
  }
  if (begin >= end) return absl::OutOfRangeError(fmt::format("the file has {} bytes", version.size));
  return ByteRange{begin, end - begin};
}

}  // namespace wasmagent::client
