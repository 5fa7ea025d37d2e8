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

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "fmt/format.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::pipeline {
namespace {

using platform::ScopedFd;

constexpr size_t kMaximumOutput = 64 << 10;

constexpr std::string_view kLoaderWarning = "no version information available";

struct Pipe {
  ScopedFd reading, writing;
};

// One whose reading end does not wait.
absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return platform::ErrnoStatus(errno, "make a pipe");
  Pipe pipe{ScopedFd(ends[0]), ScopedFd(ends[1])};
  if (::fcntl(pipe.reading.get(), F_SETFL, O_NONBLOCK) != 0) return platform::ErrnoStatus(errno, "set up a pipe");
  return pipe;
}

// Starts the program in a group of its own, with `output` as its stdout and `errors` as its stderr.
absl::StatusOr<pid_t> Spawn(const std::vector<std::string>& argv, std::string_view search_path, int output,
                            int errors) {
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
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
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

// Waits until the process has ended, reading what it says meanwhile; false when `deadline` came first.
bool WaitForEnd(int process, const Pipe& output, const Pipe& errors, absl::Time deadline, ProbeAnswer& answer) {
  pollfd waits[3] = {{process, POLLIN, 0}, {output.reading.get(), POLLIN, 0}, {errors.reading.get(), POLLIN, 0}};
  std::string* const texts[3] = {nullptr, &answer.output, &answer.errors};
  while (true) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return false;
    if (::poll(waits, 3, static_cast<int>(left)) < 0 && errno != EINTR) return false;
    const bool ended = waits[0].revents != 0;
    for (int i : {1, 2}) {
      // At a pipe's end only the others are waited for.
      if ((ended || waits[i].revents != 0) && waits[i].fd >= 0 && !Drain(waits[i].fd, *texts[i])) waits[i].fd = -1;
    }
    if (ended) return true;
  }
}

}  // namespace

std::string ComplaintOf(const ProbeAnswer& answer) {
  for (const std::string* text : {&answer.errors, &answer.output}) {
    const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
    for (const std::string& line : lines) {
      if (!line.empty() && line.find(kLoaderWarning) == std::string::npos) return line;
    }
  }
  return "";
}

absl::StatusOr<ProbeAnswer> AskProgram(const std::vector<std::string>& argv, std::string_view search_path,
                                       absl::Duration limit) {
  ASSIGN_OR_RETURN(Pipe output, MakePipe());
  ASSIGN_OR_RETURN(Pipe errors, MakePipe());
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(argv, search_path, output.writing.get(), errors.writing.get()));
  output.writing.reset();
  errors.writing.reset();
  const ScopedFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ProbeAnswer answer;
  const bool ended = process.valid() && WaitForEnd(process.get(), output, errors, absl::Now() + limit, answer);
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
