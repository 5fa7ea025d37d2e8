#include "client/hosting/server_configuration.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "fmt/format.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

const char* FileOf(ServerKind kind) {
  switch (kind) {
    case ServerKind::kApache:
      return "apache.conf";
    case ServerKind::kApacheFolder:
      return "htaccess";
    case ServerKind::kNginx:
      return "nginx.conf";
    case ServerKind::kCaddy:
      return "Caddyfile";
  }
  return "";
}

absl::Status CheckRoot(const std::string& root) {
  if (root.empty() || root.front() != '/') {
    return absl::InvalidArgumentError(fmt::format("--root {}: not an absolute path of the server", root));
  }
  // What ends a quoted word, or stands for something else within one, in any of the three languages.
  bool plain = std::none_of(root.begin(), root.end(), [](char c) {
    return std::string_view("\"\\`${}%").find(c) != std::string_view::npos ||
           absl::ascii_iscntrl(static_cast<unsigned char>(c));
  });
  if (plain) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--root {}: no \" \\ ` $ {{ }} % in the path", root));
}

absl::Status CheckName(const std::string& name) {
  bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
  });
  if (plain) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("--name {}: not a host name", name));
}

}  // namespace

absl::StatusOr<std::string> ServerConfiguration(ServerKind kind, const ServerSite& site) {
  RETURN_IF_ERROR(CheckRoot(site.root));
  RETURN_IF_ERROR(CheckName(site.name));
  return absl::StrReplaceAll(std::string(ServerTexts().at(FileOf(kind))),
                             {{"@ROOT@", site.root}, {"@NAME@", site.name}});
}

}  // namespace wasmagent::client
