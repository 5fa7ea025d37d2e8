// Configurations of well-known web servers for a site of WebAssembly programs.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wasmagent::client {

struct ServerSite {
  std::string root = "/var/www/wasm";     // folder of the files on the server; absolute
  std::string name = "wasm.example.org";  // the site's host name
};

enum class ServerKind { kApache, kApacheFolder, kNginx, kCaddy };

// The text, whose comments say where it goes. INVALID_ARGUMENT for a root or a name that would not be read as one word.
absl::StatusOr<std::string> ServerConfiguration(ServerKind kind, const ServerSite& site);

// The texts with their places for root and name, by file name; made by the build from configuration/.
const std::map<std::string_view, std::string_view>& ServerTexts();

}  // namespace wasmagent::client
