#include "client/command/install_advice.h"

#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "platform/file.h"

namespace wasmagent::client {
namespace {

// True when ID or ID_LIKE, a list with blanks between its words, names the distribution.
bool Names(std::string_view os_release, std::string_view distribution) {
  for (std::string_view line : absl::StrSplit(os_release, '\n')) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = line.substr(0, equals);
    if (key != "ID" && key != "ID_LIKE") continue;
    for (std::string_view word : absl::StrSplit(line.substr(equals + 1), absl::ByAnyChar(" \"'"))) {
      if (word == distribution) return true;
    }
  }
  return false;
}

}  // namespace

std::string InstallAdvice(const Package& package, std::string_view os_release) {
  const std::string debian = fmt::format("apt-get install {}", package.debian);
  const std::string fedora = fmt::format("dnf install {}", package.fedora);
  if (Names(os_release, "debian") || Names(os_release, "ubuntu")) return debian;
  if (Names(os_release, "fedora") || Names(os_release, "rhel")) return fedora;
  return fmt::format("{} (Debian, Ubuntu), {} (Fedora)", debian, fedora);
}

std::string InstallAdvice(const Package& package) {
  return InstallAdvice(package, platform::ReadFile("/etc/os-release", 1 << 16).value_or(""));
}

}  // namespace wasmagent::client
