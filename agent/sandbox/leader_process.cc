#include "agent/sandbox/leader_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "platform/directory.h"

namespace wasmagent::sandbox {
namespace {

// What execvp would search when the environment has no PATH.
constexpr char kDefaultPath[] = "/usr/bin:/bin";

// How much builds step back behind the agent, which must stay able to answer: a few steps of niceness, and the first to
// go when memory runs out (0 is the default, 1000 the most).
constexpr int kNiceness = 5;
constexpr char kOomScore[] = "500";

[[noreturn]] void Fail(int status_pipe, StartStage stage, int error) {
  StartFailure failure = {stage, error};
  [[maybe_unused]] ssize_t written = ::write(status_pipe, &failure, sizeof(failure));
  ::_exit(127);
}

void ResetSignals() {
  for (int number = 1; number < NSIG; ++number) {
    if (number != SIGKILL && number != SIGSTOP) ::signal(number, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Never above the hard limit, which only a privileged agent could raise; 0 leaves the limit alone.
bool Limit(__rlimit_resource resource, uint64_t value) {
  if (value == 0) return true;
  rlimit now;
  if (::getrlimit(resource, &now) != 0) return false;
  rlim_t wanted = std::min<rlim_t>(value, now.rlim_max);
  rlimit next = {wanted, wanted};
  return ::setrlimit(resource, &next) == 0;
}

bool ApplyLimits(const ResourceLimits& limits) {
  rlimit no_core = {0, 0};
  return Limit(RLIMIT_NOFILE, limits.open_files) && Limit(RLIMIT_FSIZE, limits.file_bytes) &&
         Limit(RLIMIT_NPROC, limits.processes) && (limits.core_dumps || ::setrlimit(RLIMIT_CORE, &no_core) == 0);
}

void StepBack() {
  // Both are wishes: a container may refuse them.
  [[maybe_unused]] int refused = ::setpriority(PRIO_PROCESS, 0, kNiceness);
  int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  [[maybe_unused]] ssize_t written = ::write(score, kOomScore, sizeof(kOomScore) - 1);
  ::close(score);
}

// Execs one file; returns the errno. A file that is text without "#!" is given to the shell, as execvp does.
int TryExec(const char* path, const DecodedCommand& command) {
  ::execve(path, command.argv.data(), command.env.data());
  if (errno != ENOEXEC) return errno;
  std::vector<char*> shell_argv = {const_cast<char*>("/bin/sh"), const_cast<char*>(path)};
  shell_argv.insert(shell_argv.end(), command.argv.begin() + 1, command.argv.end());
  ::execve("/bin/sh", shell_argv.data(), command.env.data());
  return errno;
}

const char* SearchPath(const DecodedCommand& command) {
  for (char* entry : command.env) {
    if (entry != nullptr && std::strncmp(entry, "PATH=", 5) == 0) return entry + 5;
  }
  return kDefaultPath;
}

[[noreturn]] void Exec(const DecodedCommand& command, int status_pipe) {
  const std::string program = command.argv[0];
  if (program.find('/') != std::string::npos) {
    int error = TryExec(program.c_str(), command);
    bool present = error == ENOENT && ::access(program.c_str(), F_OK) == 0;
    Fail(status_pipe, present ? StartStage::kInterpreter : StartStage::kExec, error);
  }
  StartFailure worst = {StartStage::kExec, ENOENT};
  const std::string path = SearchPath(command);
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find(':', begin), path.size());
    std::string folder = path.substr(begin, end - begin);
    std::string candidate = folder.empty() ? program : folder + "/" + program;
    int error = TryExec(candidate.c_str(), command);
    if (error == ENOENT && ::access(candidate.c_str(), F_OK) == 0) {
      worst = {StartStage::kInterpreter, ENOENT};
    } else if (error != ENOENT && error != ENOTDIR) {
      worst = {StartStage::kExec, error};
      // As execvp: a file that may not be run does not end the search, anything worse does.
      if (error != EACCES) break;
    }
    begin = end + 1;
  }
  Fail(status_pipe, worst.stage, worst.error);
}

}  // namespace

void CloseOnExecFrom(int first) {
  // By number: glibc's wrapper is younger than the call.
  if (::syscall(SYS_close_range, static_cast<unsigned>(first), ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  auto entries = platform::ListDirectory("/proc/self/fd");
  if (!entries.ok()) return;
  for (const auto& entry : *entries) {
    int fd = std::atoi(entry.name.c_str());
    if (fd >= first) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

void BecomeCommand(const DecodedCommand& command, int output, int status_pipe) {
  // When the supervisor is killed its orphans go to the launcher, which kills them; the leader need not wait for that.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // No descendant can become another user, whom the supervisor could not signal.
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::setsid();
  ResetSignals();
  ::umask(022);
  int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0 || ::dup2(output, STDOUT_FILENO) < 0 ||
      ::dup2(output, STDERR_FILENO) < 0) {
    Fail(status_pipe, StartStage::kStdin, errno);
  }
  CloseOnExecFrom(STDERR_FILENO + 1);
  StepBack();
  if (::chdir(command.directory) != 0) Fail(status_pipe, StartStage::kDirectory, errno);
  if (!ApplyLimits(command.limits)) Fail(status_pipe, StartStage::kLimits, errno);
  Exec(command, status_pipe);
}

}  // namespace wasmagent::sandbox
