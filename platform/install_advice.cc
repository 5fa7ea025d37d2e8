#include "platform/install_advice.h"

#include <vector>

#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "platform/file.h"

namespace wasmagent::platform {
namespace {

// True when ID or ID_LIKE, a list with blanks between its words, names the distribution.
bool Names(std::string_view os_release, std::string_view distribution) {
  const std::vector<std::string> lines = absl::StrSplit(std::string(os_release), '\n');
  for (const std::string& line : lines) {
    const std::vector<std::string> field = absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (field.size() != 2 || (field[0] != "ID" && field[0] != "ID_LIKE")) continue;
    const std::vector<std::string> words = absl::StrSplit(field[1], absl::ByAnyChar(" \"'"));
    for (const std::string& word : words) {
      if (word == distribution) return true;
    }
  }
  return false;
}

}  // namespace

std::string InstallAdvice(const Package& package, std::string_view os_release) {
  const auto command = [&](const char* manager, const std::string& name) {
    return name.empty() ? package.release : fmt::format("{} install {}", manager, name);
  };
  const std::string debian = command("apt-get", package.debian);
  const std::string fedora = command("dnf", package.fedora);
  if (Names(os_release, "debian") || Names(os_release, "ubuntu")) return debian;
  if (Names(os_release, "fedora") || Names(os_release, "rhel")) return fedora;
  if (!package.release.empty()) return package.release;
  return fmt::format("{} (Debian, Ubuntu), {} (Fedora)", debian, fedora);
}

std::string InstallAdvice(const Package& package) {
  return InstallAdvice(package, ReadFile("/etc/os-release", 1 << 16).value_or(""));
}

}  // namespace wasmagent::platform
