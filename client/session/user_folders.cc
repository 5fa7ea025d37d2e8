#include "client/session/user_folders.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "client/session/agent_address.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Room for the longest name below the socket folder: a checkout's id of 40 letters and "/agent.sock".
constexpr size_t kRoomForName = 52;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool IsRunnable(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

UserFolders UserFolders::FromEnvironment() {
  UserFolders folders;
  // The variable often outlives its folder: in containers, after su, over ssh.
  std::string runtime = Variable("XDG_RUNTIME_DIR");
  if (runtime.starts_with('/') && ::access(runtime.c_str(), W_OK | X_OK) == 0) folders.runtime = runtime;
  std::string cache = Variable("XDG_CACHE_HOME"), home = Variable("HOME");
  if (!cache.starts_with('/'))
    cache = (home.starts_with('/') ? home : fmt::format("/tmp/wasmagent-home-{}", ::getuid())) + "/.cache";
  folders.cache = cache;
  folders.path = Variable("PATH");
  return folders;
}

std::string UserFolders::SocketFolder() const {
  // Beside the agents' state, which one agent at a time can own. The runtime folder ends with the last login and is not
  // there for cron: whoever has another one would look in vain for the agent that runs.
  std::string folder = cache + "/wasmagent/run";
  if (folder.size() + kRoomForName <= kLongestSocketPath) return folder;
  return fmt::format("/tmp/wasmagent-{}", ::getuid());
}

absl::Status MakePrivateFolder(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash != std::string::npos && slash > 0) RETURN_IF_ERROR(platform::MakeDirectories(path.substr(0, slash), 0700));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return platform::ErrnoStatus(errno, path);
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0) return platform::ErrnoStatus(errno, path);
  if (S_ISDIR(info.st_mode) && info.st_uid == ::geteuid()) {
    if ((info.st_mode & 0077) == 0 || ::chmod(path.c_str(), 0700) == 0) return absl::OkStatus();
    return platform::ErrnoStatus(errno, path);
  }
  return absl::PermissionDeniedError(
      fmt::format("{}: is not a folder of yours; remove it, or set XDG_CACHE_HOME", path));
}

std::string FindOnPath(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) return IsRunnable(name) ? name : "";
  for (size_t from = 0; from <= path.size();) {
    size_t to = std::min(path.find(':', from), path.size());
    std::string candidate = path.substr(from, to - from) + "/" + name;
    // A relative entry would depend on the working directory.
    if (candidate.starts_with('/') && to > from && IsRunnable(candidate)) return candidate;
    from = to + 1;
  }
  return "";
}

}  // namespace wasmagent::client
