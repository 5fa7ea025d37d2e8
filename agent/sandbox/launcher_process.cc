#include "agent/sandbox/launcher_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "agent/sandbox/launch_protocol.h"
#include "agent/sandbox/process_tree.h"
#include "agent/sandbox/supervisor_process.h"
#include "platform/directory.h"

namespace wasmagent::sandbox {
namespace {

using platform::ScopedFd;

// How soon killed orphans are looked at again, in milliseconds.
constexpr int kKillAgainMs = 10;

// Starts supervisors and cleans up behind those that were killed. Single-threaded; lives as long as its process.
class LauncherProcess {
 public:
  explicit LauncherProcess(ScopedFd agent) : agent_(std::move(agent)) {}

  void Run() {
    Prepare();
    while (true) {
      pollfd events[] = {{agent_.get(), POLLIN, 0}, {child_signal_.get(), POLLIN, 0}};
      ::poll(events, 2, lost_.empty() ? -1 : kKillAgainMs);
      if (events[1].revents != 0) DrainChildSignal();
      Reap();
      if (!lost_.empty()) CleanUpLost();
      if (events[0].revents != 0 && !Serve()) break;
    }
    KillEverything();
  }

 private:
  void Prepare() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // Its life is bound to the agent's end of the socket, not to a terminal or to a signal meant for the agent.
    ::setsid();
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGUSR1, SIGUSR2}) ::signal(number, SIG_IGN);
    ::signal(SIGCHLD, SIG_DFL);
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_SETMASK, &child, nullptr);
    child_signal_ = ScopedFd(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
    int alive[2];
    if (!child_signal_.valid() || ::pipe2(alive, O_CLOEXEC) != 0) ::_exit(1);
    alive_read_ = ScopedFd(alive[0]);
    alive_write_ = ScopedFd(alive[1]);
  }

  // Takes one launch; false at the end of the conversation.
  bool Serve() {
    auto fds = ReceiveLaunch(agent_.get());
    if (absl::IsCancelled(fds.status())) return false;
    if (!fds.ok()) return true;  // the agent sees its control socket close
    pid_t supervisor = ::fork();
    if (supervisor == 0) {
      LeaveLauncher();
      RunSupervisor(*std::move(fds), std::move(alive_read_));
    }
    if (supervisor < 0) {
      Tell(fds->control, ReportKind::kNoSupervisor, errno);
      return true;
    }
    supervisors_[supervisor] = std::move(fds->control);
    return true;
  }

  // In a fresh supervisor: drops what belongs to the launcher alone.
  void LeaveLauncher() {
    agent_.reset();
    alive_write_.reset();
    child_signal_.reset();
    supervisors_.clear();
    lost_.clear();
  }

  static void Tell(const ScopedFd& control, ReportKind kind, int error) {
    Report report = {};
    report.kind = kind;
    report.error = error;
    SendPacket(control.get(), &report, sizeof(report));
  }

  void DrainChildSignal() {
    signalfd_siginfo info;
    while (::read(child_signal_.get(), &info, sizeof(info)) == sizeof(info)) {
    }
  }

  void Reap() {
    int status = 0;
    pid_t ended;
    while ((ended = ::waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
      auto found = supervisors_.find(ended);
      if (found == supervisors_.end()) continue;  // an orphan of a lost supervisor
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) lost_.push_back(std::move(found->second));
      supervisors_.erase(found);
    }
  }

  // Kills what came up from killed supervisors; once it is gone, their commands are told.
  void CleanUpLost() {
    std::vector<pid_t> orphans = ChildrenOf(::getpid());
    std::erase_if(orphans, [this](pid_t child) { return supervisors_.count(child) != 0; });
    if (!orphans.empty()) {
      KillBelow(orphans);
      return;
    }
    for (const ScopedFd& control : lost_) Tell(control, ReportKind::kSupervisorLost, 0);
    lost_.clear();
  }

  static void KillEverything() {
    while (true) {
      pid_t ended;
      while ((ended = ::waitpid(-1, nullptr, WNOHANG | __WALL)) > 0) {
      }
      if (ended < 0 && errno == ECHILD) return;
      KillBelow(ChildrenOf(::getpid()));
      ::poll(nullptr, 0, 1);
    }
  }

  ScopedFd agent_;
  ScopedFd child_signal_;
  // Supervisors hold the read end and see its end when this process, the only writer, is gone.
  ScopedFd alive_read_;
  ScopedFd alive_write_;
  // Each supervisor's control socket is kept open here too, so that the agent does not take a killed supervisor for an
  // ended command before its orphans are gone.
  std::map<pid_t, ScopedFd> supervisors_;
  std::vector<ScopedFd> lost_;
};

void CloseAllBut(int kept) {
  auto entries = platform::ListDirectory("/proc/self/fd");
  if (!entries.ok()) return;
  for (const auto& entry : *entries) {
    int fd = std::atoi(entry.name.c_str());
    if (fd > STDERR_FILENO && fd != kept) ::close(fd);
  }
}

}  // namespace

void RunLauncherProcess(ScopedFd agent) {
  ::prctl(PR_SET_NAME, "wasmagent-exec");
  CloseAllBut(agent.get());
  LauncherProcess(std::move(agent)).Run();
  ::_exit(0);
}

}  // namespace wasmagent::sandbox
