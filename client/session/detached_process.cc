#include "client/session/detached_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// What the new processes write to the pipe: their number, or why exec failed. Smaller than PIPE_BUF, so never torn.
struct Report {
  pid_t pid;
  int exec_error;
};

// From fork to exec: only calls that are safe in the child of a program with threads.
[[noreturn]] void BecomeProgram(char* const* words, int null_fd, int log_fd, int report_fd) {
  ::setsid();
  // The second fork leaves no session leader, which could come by a terminal, and no child of ours to be reaped.
  pid_t pid = ::fork();
  if (pid != 0) ::_exit(pid < 0 ? 1 : 0);
  Report report = {::getpid(), 0};
  if (::write(report_fd, &report, sizeof(report)) != sizeof(report)) ::_exit(127);
  for (int signal : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGTERM, SIGCHLD}) ::signal(signal, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir("/") == 0 && ::dup2(null_fd, STDIN_FILENO) >= 0 && ::dup2(log_fd, STDOUT_FILENO) >= 0 &&
      ::dup2(log_fd, STDERR_FILENO) >= 0) {
    ::execv(words[0], words);
  }
  report.exec_error = errno;
  // The pipe's other end may be gone; then nobody waits for the reason.
  ssize_t ignored = ::write(report_fd, &report, sizeof(report));
  (void)ignored;
  ::_exit(127);
}

absl::StatusOr<std::vector<Report>> ReadReports(int fd) {
  ASSIGN_OR_RETURN(std::string bytes, platform::ReadAll(fd, 16 * sizeof(Report)));
  std::vector<Report> reports(bytes.size() / sizeof(Report));
  std::copy_n(bytes.data(), reports.size() * sizeof(Report), reinterpret_cast<char*>(reports.data()));
  return reports;
}

}  // namespace

absl::StatusOr<ProcessHandle> ProcessHandle::Open(pid_t pid) {
  platform::ScopedFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (fd.valid()) return ProcessHandle(pid, std::move(fd));
  if (errno == ESRCH) return absl::NotFoundError(fmt::format("process {} has ended", pid));
  return platform::ErrnoStatus(errno, fmt::format("process {}", pid));
}

bool ProcessHandle::WaitForEnd(absl::Duration limit) const {
  absl::Time deadline = absl::Now() + limit;
  while (true) {
    pollfd poll_fd = {fd_.get(), POLLIN, 0};
    int64_t left =
        std::max<int64_t>(0, absl::ToInt64Milliseconds(absl::Ceil(deadline - absl::Now(), absl::Milliseconds(1))));
    int ready = ::poll(&poll_fd, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready > 0) return true;
    if (absl::Now() >= deadline) return false;
  }
}

absl::Status ProcessHandle::Signal(int signal) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return absl::OkStatus();
  return platform::ErrnoStatus(errno, fmt::format("signal process {}", pid_));
}

absl::StatusOr<ProcessHandle> StartDetached(const std::vector<std::string>& argv, const std::string& log) {
  ASSIGN_OR_RETURN(auto null_fd, platform::OpenAt(AT_FDCWD, "/dev/null", O_RDONLY));
  ASSIGN_OR_RETURN(auto log_fd, platform::OpenAt(AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600));
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return platform::ErrnoStatus(errno, "pipe");
  platform::ScopedFd read_end(fds[0]), write_end(fds[1]);
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  pid_t child = ::fork();
  if (child < 0) return platform::ErrnoStatus(errno, "fork");
  if (child == 0) BecomeProgram(words.data(), null_fd.get(), log_fd.get(), write_end.get());
  write_end.reset();
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // Ends when exec has closed the pipe, or failed.
  ASSIGN_OR_RETURN(auto reports, ReadReports(read_end.get()));
  if (reports.empty()) return absl::ResourceExhaustedError(fmt::format("{}: cannot start another process", argv[0]));
  if (reports.back().exec_error != 0) return platform::ErrnoStatus(reports.back().exec_error, argv[0]);
  return ProcessHandle::Open(reports.back().pid);
}

}  // namespace wasmagent::client
