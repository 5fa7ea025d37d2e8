// Names of blobs on the ByteStream service, as the Remote Execution API writes them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "content/digest.h"

namespace wasmagent::content {

// A parsed name. `uuid` is set for an upload and empty for a download; `digest` is that of the uncompressed bytes.
struct ResourceName {
  std::string instance;  // any number of segments, '/' between them
  std::string uuid;
  Digest digest;
  bool zstd = false;

  bool operator==(const ResourceName&) const = default;
  bool is_upload() const { return !uuid.empty(); }

  // The canonical name, without metadata behind the size.
  std::string ToString() const;
};

// Parses "{instance/}blobs/{hash}/{size}" and "{instance/}compressed-blobs/zstd/{hash}/{size}", with "uploads/{uuid}/"
// in front for an upload, whose name may go on with segments of metadata. INVALID_ARGUMENT for anything else;
// UNIMPLEMENTED for another compressor or digest function.
absl::StatusOr<ResourceName> ParseResourceName(std::string_view name);

// A random UUID (version 4) for an upload.
std::string NewUploadId();

}  // namespace wasmagent::content
