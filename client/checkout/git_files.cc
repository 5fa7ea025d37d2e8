#include "client/checkout/git_files.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "fmt/format.h"
#include "platform/file.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using platform::ErrnoStatus;
using platform::ScopedFd;

// Repositories within repositories that are followed; a guard against a cycle of bind mounts.
constexpr int kMaxNesting = 32;

struct GitResult {
  int exit_code = 0;
  std::string output;
  std::string errors;
};

// A git that is called from a hook inherits the hook's repository by these; the question here is about the folder's
// own.
bool NamesARepository(const char* variable) {
  for (const char* name : {"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX=", "GIT_OBJECT_DIRECTORY=",
                           "GIT_COMMON_DIR=", "GIT_NAMESPACE="}) {
    if (std::strncmp(variable, name, std::strlen(name)) == 0) return true;
  }
  return false;
}

// Reads both pipes to their ends; neither can fill up while the other is waited for.
absl::Status Drain(int output_fd, int errors_fd, GitResult& result) {
  std::vector<char> buffer(64 * 1024);
  pollfd fds[2] = {{output_fd, POLLIN, 0}, {errors_fd, POLLIN, 0}};
  std::string* sinks[2] = {&result.output, &result.errors};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return ErrnoStatus(errno, "poll");
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      ssize_t got = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) {
        fds[i].fd = -1;
      } else {
        sinks[i]->append(buffer.data(), static_cast<size_t>(got));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<GitResult> RunGit(std::vector<std::string> arguments) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  ScopedFd out_read(out[0]), out_write(out[1]);
  if (::pipe2(err, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  ScopedFd err_read(err[0]), err_write(err[1]);
  // This program reads its signals itself; those that it starts end with Ctrl-C.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out_write.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, err_write.get(), 2);
  arguments.insert(arguments.begin(), "git");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<char*> env;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!NamesARepository(*variable)) env.push_back(*variable);
  }
  // Refreshing the index on the side would write into the checkout.
  char no_locks[] = "GIT_OPTIONAL_LOCKS=0";
  env.push_back(no_locks);
  env.push_back(nullptr);
  pid_t pid = 0;
  int error = ::posix_spawnp(&pid, "git", &actions, &attributes, argv.data(), env.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return ErrnoStatus(error, "start git");
  out_write.reset();
  err_write.reset();
  GitResult result;
  absl::Status drained = Drain(out_read.get(), err_read.get(), result);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  RETURN_IF_ERROR(drained);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return result;
}

absl::Status Refused(const std::string& folder, const GitResult& result) {
  std::string words = result.errors.empty() ? fmt::format("exit code {}", result.exit_code) : result.errors;
  while (!words.empty() && words.back() == '\n') words.pop_back();
  return absl::FailedPreconditionError(fmt::format("git ls-files in {}: {}", folder, words));
}

absl::Status AddFiles(const std::string& root, const std::string& prefix, int nesting,
                      std::vector<std::string>& paths) {
  std::string folder = prefix.empty() ? root : root + "/" + prefix;
  if (nesting > kMaxNesting)
    return absl::FailedPreconditionError(fmt::format("{}: too many nested repositories", folder));
  // --recurse-submodules cannot be combined with --others, so submodules (mode 160000, listed as their folder) are
  // asked one by one.
  ASSIGN_OR_RETURN(GitResult result,
                   RunGit({"-C", folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard"}));
  if (result.exit_code != 0) return Refused(folder, result);
  std::vector<std::string> nested;
  std::string_view rest = result.output;
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\0'), rest.size());
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string path = prefix.empty() ? std::string(name) : prefix + "/" + std::string(name);
    // "name/" is a repository inside that is no submodule.
    if (path.back() == '/') {
      path.pop_back();
      nested.push_back(path);
    } else {
      paths.push_back(std::move(path));
    }
  }
  for (const std::string& repository : nested) RETURN_IF_ERROR(AddFiles(root, repository, nesting + 1, paths));
  return absl::OkStatus();
}

// Submodules, and repositories that were added without being made one, stand in the list as their folder. Replaces
// those that are populated by their files. Looks at every path.
absl::Status ExpandSubmodules(const std::string& root, std::vector<std::string>& paths) {
  for (int round = 0; round <= kMaxNesting; ++round) {
    std::vector<std::string> folders;
    for (const std::string& path : paths) {
      struct stat info;
      std::string full = root + "/" + path;
      if (::lstat(full.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
      if (::lstat((full + "/.git").c_str(), &info) == 0) folders.push_back(path);
    }
    if (folders.empty()) return absl::OkStatus();
    for (const std::string& folder : folders) {
      paths.erase(std::remove(paths.begin(), paths.end(), folder), paths.end());
      RETURN_IF_ERROR(AddFiles(root, folder, 1, paths));
    }
  }
  return absl::FailedPreconditionError(fmt::format("{}: too many nested submodules", root));
}

bool MayHaveSubmodules(const std::vector<std::string>& paths) {
  return std::any_of(paths.begin(), paths.end(),
                     [](const std::string& path) { return path == ".gitmodules" || path.ends_with("/.gitmodules"); });
}

}  // namespace

bool IsInGit(const std::string& folder) {
  struct stat info;
  for (std::string at = folder; !at.empty(); at.resize(at.rfind('/'))) {
    if (::lstat((at + "/.git").c_str(), &info) == 0) return true;
  }
  return false;
}

absl::StatusOr<std::vector<std::string>> ListGitFiles(const std::string& folder, bool look_everywhere) {
  std::vector<std::string> paths;
  RETURN_IF_ERROR(AddFiles(folder, "", 0, paths));
  if (look_everywhere || MayHaveSubmodules(paths)) RETURN_IF_ERROR(ExpandSubmodules(folder, paths));
  std::sort(paths.begin(), paths.end());
  // A path in a merge conflict is listed once for each side.
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

absl::StatusOr<std::string> GitIgnoreReason(const std::string& folder, const std::string& path) {
  ASSIGN_OR_RETURN(GitResult result, RunGit({"-C", folder, "check-ignore", "-v", "--", path}));
  if (result.exit_code > 1) return Refused(folder, result);
  if (result.exit_code == 1) return std::string();
  // "<file>:<line>:<pattern>" TAB "<path>"; a pattern of "!" means that the path is not ignored after all.
  std::string reason = result.output.substr(0, result.output.rfind('\t'));
  size_t pattern = reason.find(':', reason.find(':') + 1);
  if (pattern != std::string::npos && reason.compare(pattern, 2, ":!") == 0) return std::string();
  return reason;
}

}  // namespace wasmagent::client
