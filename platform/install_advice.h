// How a missing program is installed here.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::platform {

// The package that has something, by distribution; "" where there is none.
struct Package {
  std::string debian;        // Debian, Ubuntu and what is made of them
  std::string fedora;        // Fedora, and what is made of it
  std::string release = "";  // the command that installs upstream's release, wherever there is no package
};

// The one command for the distribution that an os-release file (os-release(5)) names. For another one that of the
// release, or both distributions' where there is none.
std::string InstallAdvice(const Package& package, std::string_view os_release);

// For this machine.
std::string InstallAdvice(const Package& package);

}  // namespace wasmagent::platform
