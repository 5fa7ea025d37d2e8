#include "client/checkout/checkout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstdlib>

#include "content/digest.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

bool Exists(const std::string& path) {
  struct stat info;
  return ::lstat(path.c_str(), &info) == 0;
}

absl::StatusOr<std::string> Canonical(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return platform::ErrnoStatus(errno, path);
  return std::string(resolved);
}

std::string NearestProject(const std::string& start) {
  for (std::string folder = start; folder.size() > 1; folder.resize(folder.rfind('/'))) {
    if (Exists(folder + "/wasmbuild.yaml") || Exists(folder + "/.git")) return folder;
  }
  return start;
}

std::string HostName() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, HOST_NAME_MAX) == 0 ? name : "localhost";
}

// The folder's name in the characters that an id may have, for people who read lists.
std::string Label(const std::string& path) {
  std::string label;
  for (char c : path.substr(path.rfind('/') + 1).substr(0, 40)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    label += plain ? c : '-';
  }
  return label.empty() ? "root" : label;
}

}  // namespace

absl::StatusOr<std::string> UserCacheDirectory() {
  // Relative values are invalid by the XDG specification and are passed over.
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && xdg[0] == '/') return std::string(xdg);
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') return std::string(home) + "/.cache";
  return absl::FailedPreconditionError("neither XDG_CACHE_HOME nor HOME is set: no place for the caches");
}

absl::StatusOr<Checkout> OpenCheckout(const std::string& directory) {
  Checkout checkout;
  ASSIGN_OR_RETURN_CTX(checkout.path, Canonical(directory.empty() ? "." : directory), "open the checkout");
  if (directory.empty()) checkout.path = NearestProject(checkout.path);
  struct stat info;
  if (::stat(checkout.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(fmt::format("{}: the checkout is not a folder", checkout.path));
  }
  checkout.host = HostName();
  // Machines of one name exist; the machine id tells them apart where there is one.
  std::string machine = platform::ReadFile("/etc/machine-id", 4096).value_or("");
  std::string key = fmt::format("{}\n{}\n{}\n{}", machine, checkout.host, ::getuid(), checkout.path);
  checkout.id = fmt::format("{}-{}", Label(checkout.path), content::Digest::Of(key).Hex().substr(0, 16));
  ASSIGN_OR_RETURN(std::string cache, UserCacheDirectory());
  checkout.cache_directory = fmt::format("{}/wasmctl/checkouts/{}", cache, checkout.id);
  return checkout;
}

}  // namespace wasmagent::client
