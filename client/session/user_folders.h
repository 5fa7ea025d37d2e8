// The folders of the calling user that agents on this machine live in.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace wasmagent::client {

// XDG folders and PATH as values, so that a test can give its own.
struct UserFolders {
  std::string runtime;  // XDG_RUNTIME_DIR; empty when there is none
  std::string cache;    // XDG_CACHE_HOME or ~/.cache; absolute
  std::string path;     // PATH

  static UserFolders FromEnvironment();

  // Folder for the sockets of agents that wasmctl starts: below `cache`, and below /tmp where that would make a
  // socket's path too long.
  std::string SocketFolder() const;
};

// Makes a folder that only the calling user may enter. PERMISSION_DENIED when somebody else's is in its place.
absl::Status MakePrivateFolder(const std::string& path);

// The program's path, found as a shell does; empty when there is none. A name with a '/' is itself.
std::string FindOnPath(const std::string& name, const std::string& path);

}  // namespace wasmagent::client
