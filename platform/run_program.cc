#include "platform/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "platform/scoped_fd.h"
#include "platform/shell_quote.h"
#include "platform/status.h"

extern char** environ;

namespace wasmagent::platform {
namespace {

constexpr size_t kMostMessage = 2000;

struct Pipe {
  ScopedFd read, write;
};

absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  return Pipe{ScopedFd(fds[0]), ScopedFd(fds[1])};
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv, const std::vector<std::string>* environment, int out,
                            int err) {
  // This program reads its signals itself; those that it starts end with Ctrl-C.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  std::vector<char*> words = Pointers(argv);
  std::vector<char*> variables;
  if (environment != nullptr) variables = Pointers(*environment);
  pid_t pid = -1;
  int error = ::posix_spawnp(&pid, argv[0].c_str(), &actions, &attributes, words.data(),
                             environment != nullptr ? variables.data() : environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return ErrnoStatus(error, argv[0]);
  return pid;
}

// Reads both pipes to their ends; false when the time is over before.
bool ReadBoth(Pipe& out, Pipe& err, absl::Time deadline, size_t most, ProgramResult& result) {
  std::vector<char> buffer(size_t{64} << 10);
  pollfd fds[2] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}};
  std::string* texts[2] = {&result.out, &result.err};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return false;
    int ready = ::poll(fds, 2, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return false;
    // After a signal the events are those of the last time, and reading for them would block.
    if (ready <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      ssize_t count = ::read(fds[i].fd, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) fds[i].fd = -1;
      if (count > 0 && texts[i]->size() < most) texts[i]->append(buffer.data(), static_cast<size_t>(count));
    }
  }
  return true;
}

int Reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::string ProgramResult::Message() const {
  std::string text = err.find_first_not_of(" \n\r\t") != std::string::npos ? err : out;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  if (text.size() > kMostMessage) text = "…" + text.substr(text.size() - kMostMessage);
  return text.empty() ? fmt::format("exit code {}", exit_code) : text;
}

absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& argv, const ProgramOptions& options) {
  absl::Time deadline = absl::Now() + options.limit;
  ASSIGN_OR_RETURN(Pipe out, MakePipe());
  ASSIGN_OR_RETURN(Pipe err, MakePipe());
  ASSIGN_OR_RETURN(pid_t pid, Spawn(argv, options.environment, out.write.get(), err.write.get()));
  out.write.reset();
  err.write.reset();
  ProgramResult result;
  bool in_time = ReadBoth(out, err, deadline, options.most_output, result);
  if (!in_time) ::kill(pid, SIGKILL);
  result.exit_code = Reap(pid);
  if (in_time) return result;
  return absl::DeadlineExceededError(
      fmt::format("'{}' did not end within {}", ShellText(argv), absl::FormatDuration(options.limit)));
}

}  // namespace wasmagent::platform
