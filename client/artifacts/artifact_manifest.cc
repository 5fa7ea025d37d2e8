#include "client/artifacts/artifact_manifest.h"

#include <cstdio>
#include <vector>

#include "absl/strings/numbers.h"
#include "fmt/format.h"

namespace wasmagent::client {
namespace {

// Fields end with NUL, the one byte that no path holds: kind, digest, five numbers, link text, path; then the next
// artifact.
constexpr char kHeader[] = "wasmctl-manifest 1";
constexpr size_t kFields = 9;

std::vector<std::string> Split(std::string_view bytes) {
  std::vector<std::string> fields;
  for (size_t end = bytes.find('\0'); end != std::string_view::npos; end = bytes.find('\0')) {
    fields.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return fields;
}

}  // namespace

std::string SerializeManifest(const ArtifactManifest& manifest) {
  std::string bytes = kHeader + std::string(1, '\0');
  for (const auto& [path, artifact] : manifest) {
    const FileStamp& s = artifact.stamp;
    for (const std::string& field :
         {std::to_string(static_cast<int>(artifact.entry.kind)), artifact.entry.digest.ToString(),
          std::to_string(s.device), std::to_string(s.inode), std::to_string(s.size), std::to_string(s.mtime),
          std::to_string(s.ctime), artifact.entry.target, path}) {
      bytes += field;
      bytes += '\0';
    }
  }
  return bytes;
}

ArtifactManifest ParseManifest(std::string_view bytes) {
  ArtifactManifest manifest;
  std::vector<std::string> fields = Split(bytes);
  if (fields.empty() || fields[0] != kHeader || (fields.size() - 1) % kFields != 0) return {};
  for (size_t i = 1; i < fields.size(); i += kFields) {
    WrittenArtifact artifact;
    int kind = 0;
    auto digest = content::Digest::Parse(fields[i + 1]);
    FileStamp& s = artifact.stamp;
    bool good = digest.ok() && absl::SimpleAtoi(fields[i], &kind) && kind >= 0 && kind <= 3 &&
                absl::SimpleAtoi(fields[i + 2], &s.device) && absl::SimpleAtoi(fields[i + 3], &s.inode) &&
                absl::SimpleAtoi(fields[i + 4], &s.size) && absl::SimpleAtoi(fields[i + 5], &s.mtime) &&
                absl::SimpleAtoi(fields[i + 6], &s.ctime);
    if (!good) return {};
    artifact.entry = {fields[i + 8], static_cast<content::EntryKind>(kind), *digest, fields[i + 7]};
    manifest[fields[i + 8]] = std::move(artifact);
  }
  return manifest;
}

}  // namespace wasmagent::client
