#include "agent/pipeline/probe_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

using platform::ScopedFd;

constexpr size_t kMaximumOutput = 64 << 10;

// Starts the program in a group of its own, with `output` as its stdout and stderr.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv, std::string_view search_path, int output) {
  std::vector<std::string> env_texts = {fmt::format("PATH={}", search_path), "LC_ALL=C"};
  std::vector<char*> words, env;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  for (std::string& text : env_texts) env.push_back(text.data());
  words.push_back(nullptr);
  env.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, argv[0].c_str(), &actions, &attributes, words.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return platform::ErrnoStatus(error, fmt::format("start {}", argv[0]));
  return pid;
}

// Reads what is there without waiting. False at the end.
bool Drain(int fd, std::string& output) {
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(fd, buffer, sizeof(buffer));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 && errno == EAGAIN;
    const size_t room = kMaximumOutput - output.size();
    output.append(buffer, std::min(room, static_cast<size_t>(count)));
  }
}

// Waits until the process has ended, reading its output meanwhile; false when `deadline` came first.
bool WaitForEnd(int process, int pipe, absl::Time deadline, std::string& output) {
  pollfd waits[2] = {{process, POLLIN, 0}, {pipe, POLLIN, 0}};
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return false;
    if (::poll(waits, 2, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    if (waits[1].revents != 0 && !Drain(pipe, output)) waits[1].fd = -1;  // the pipe's end: wait for the process alone
    if (waits[0].revents != 0) {
      Drain(pipe, output);
      return true;
    }
  }
}

}  // namespace

absl::StatusOr<ProbeAnswer> AskProgram(const std::vector<std::string>& argv, std::string_view search_path,
                                       absl::Duration limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return platform::ErrnoStatus(errno, "make a pipe");
  ScopedFd reading(ends[0]), writing(ends[1]);
  if (::fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) return platform::ErrnoStatus(errno, "set up a pipe");
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(argv, search_path, writing.get()));
  writing.reset();
  const ScopedFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ProbeAnswer answer;
  const bool ended = process.valid() && WaitForEnd(process.get(), reading.get(), absl::Now() + limit, answer.output);
  ::kill(-pid, SIGKILL);
  int state = 0;
  while (::waitpid(pid, &state, 0) < 0 && errno == EINTR) {
  }
  if (!process.valid()) return absl::UnimplementedError("this kernel has no pidfd_open (Linux 5.3)");
  if (!ended) {
    return absl::DeadlineExceededError(
        fmt::format("{} did not answer within {}", argv[0], absl::FormatDuration(limit)));
  }
  answer.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return answer;
}

std::vector<std::string> SearchFolders(std::string_view search_path) {
  std::vector<std::string> folders;
  while (!search_path.empty()) {
    const size_t colon = search_path.find(':');
    const std::string_view folder = search_path.substr(0, colon);
    if (!folder.empty() && folder[0] == '/') folders.emplace_back(folder);
    search_path = colon == std::string_view::npos ? std::string_view() : search_path.substr(colon + 1);
  }
  return folders;
}

std::optional<std::string> FindProgram(std::string_view name, std::string_view search_path) {
  for (const std::string& folder : SearchFolders(search_path)) {
    std::string path = fmt::format("{}/{}", folder, name);
    struct stat info;
    if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

std::string FirstVersion(std::string_view text) {
  const auto digit = [&](size_t i) {
    return i < text.size() && std::isdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (!digit(i)) continue;
    size_t end = i;
    bool dotted = false;
    for (; digit(end) || (end < text.size() && text[end] == '.' && digit(end + 1)); ++end)
      dotted = dotted || text[end] == '.';
    if (dotted) return std::string(text.substr(i, end - i));
    i = end;
  }
  return "";
}

}  // namespace wasmagent::pipeline
