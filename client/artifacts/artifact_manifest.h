// What the last fetch wrote into an output folder.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "client/checkout/stat_cache.h"
#include "content/tree.h"

namespace wasmagent::client {

// An artifact and the stamp that its file had when it was written; a zero stamp is one of which nothing is known but
// its name.
struct WrittenArtifact {
  content::TreeEntry entry;
  FileStamp stamp;
};

// By path below the output folder.
using ArtifactManifest = std::map<std::string, WrittenArtifact>;

inline constexpr char kManifestName[] = ".wasmctl-manifest";
// What the agent says of the target whose artifacts lie here, its runner above all; there only while they are whole.
inline constexpr char kRecordName[] = ".wasmctl-artifacts.json";

// An absent or damaged manifest is an empty one: everything is fetched again and nothing is removed.
ArtifactManifest ParseManifest(std::string_view bytes);
std::string SerializeManifest(const ArtifactManifest& manifest);

}  // namespace wasmagent::client
