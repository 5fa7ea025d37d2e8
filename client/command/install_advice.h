// How a missing program is installed here.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::client {

// The package that has something, by distribution.
struct Package {
  std::string debian;  // Debian, Ubuntu and what is made of them
  std::string fedora;  // Fedora, and what is made of it
};

// The one command for the distribution that an os-release file (os-release(5)) names; both for another one.
std::string InstallAdvice(const Package& package, std::string_view os_release);

// For this machine.
std::string InstallAdvice(const Package& package);

}  // namespace wasmagent::client
