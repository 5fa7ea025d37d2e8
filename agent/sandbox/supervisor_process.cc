#include "agent/sandbox/supervisor_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "agent/sandbox/leader_process.h"
#include "agent/sandbox/process_tree.h"

namespace wasmagent::sandbox {
namespace {

using platform::ScopedFd;
using SteadyClock = std::chrono::steady_clock;

// What is left when the leader has ended has had its time: daemons get this long to put their files in order.
constexpr std::chrono::milliseconds kStrayGrace(1000);

// How soon a tree that was killed is looked at again. Most of it goes at once and wakes us; this is for what was
// missed.
constexpr std::chrono::milliseconds kKillAgain(10);

int64_t Microseconds(const timeval& time) { return int64_t{time.tv_sec} * 1000000 + time.tv_usec; }

// One command under way. Single-threaded; lives as long as its process.
class Supervisor {
 public:
  Supervisor(LaunchFds fds, ScopedFd launcher_alive)
      : control_(std::move(fds.control)),
        output_(std::move(fds.output)),
        command_(std::move(fds.command)),
        launcher_alive_(std::move(launcher_alive)) {}

  void Run() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    BlockChildSignal();
    if (!Start()) return;
    while (true) {
      Reap();
      if (empty_) break;
      if (leader_ended_ && phase_ == Phase::kRunning) EndStrays();
      if (phase_ == Phase::kTerminating && SteadyClock::now() >= kill_at_) phase_ = Phase::kKilling;
      if (phase_ == Phase::kKilling) KillBelow(ChildrenOf(::getpid()));
      Wait();
    }
    report_.kind = launcher_lost_ ? ReportKind::kLauncherLost : ReportKind::kTreeEmpty;
    Send();
  }

 private:
  enum class Phase { kRunning, kTerminating, kKilling };

  void BlockChildSignal() {
    sigset_t child;
    ::sigemptyset(&child);
    ::sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    child_signal_ = ScopedFd(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void Send() { SendPacket(control_.get(), &report_, sizeof(report_)); }

  bool NotStarted(StartStage stage, int error) {
    report_.kind = ReportKind::kNotStarted;
    report_.stage = stage;
    report_.error = error;
    Send();
    return false;
  }

  // Forks the leader and waits until it runs the program, or says why it cannot.
  bool Start() {
    auto command = DecodeCommand(command_.get());
    if (!command.ok()) return NotStarted(StartStage::kDecode, EIO);
    int pipe_fds[2];
    if (::pipe2(pipe_fds, O_CLOEXEC) != 0) return NotStarted(StartStage::kFork, errno);
    ScopedFd status_read(pipe_fds[0]);
    ScopedFd status_write(pipe_fds[1]);
    started_at_ = SteadyClock::now();
    leader_ = ::fork();
    if (leader_ < 0) return NotStarted(StartStage::kFork, errno);
    if (leader_ == 0) BecomeCommand(*command, output_.get(), status_write.get());
    status_write.reset();
    output_.reset();  // the agent sees the end of the output when the tree has closed it
    command_.reset();
    StartFailure failure = {};
    ssize_t got;
    do {
      got = ::read(status_read.get(), &failure, sizeof(failure));
    } while (got < 0 && errno == EINTR);
    if (got == sizeof(failure)) {
      ::waitpid(leader_, nullptr, 0);
      return NotStarted(failure.stage, failure.error);
    }
    report_.kind = ReportKind::kStarted;
    Send();
    return true;
  }

  void Reap() {
    while (true) {
      int status = 0;
      rusage use;
      // __WALL: also what was cloned without a signal for its parent.
      pid_t ended = ::wait4(-1, &status, WNOHANG | __WALL, &use);
      if (ended == 0) return;
      if (ended < 0) {
        if (errno == EINTR) continue;
        empty_ = true;  // ECHILD
        return;
      }
      report_.cpu_us += Microseconds(use.ru_utime) + Microseconds(use.ru_stime);
      report_.peak_bytes = std::max<uint64_t>(report_.peak_bytes, static_cast<uint64_t>(use.ru_maxrss) * 1024);
      if (ended == leader_) LeaderEnded(status);
    }
  }

  void LeaderEnded(int status) {
    leader_ended_ = true;
    report_.kind = ReportKind::kLeaderEnded;
    report_.wait_status = status;
    report_.wall_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now() - started_at_).count();
    Send();
  }

  void EndStrays() {
    auto strays = DescendantsOf(::getpid());
    report_.strays = CountRunning(strays);
    BeginEnd(strays, kStrayGrace);
  }

  void BeginEnd(const std::vector<pid_t>& processes, std::chrono::milliseconds grace) {
    auto kill_at = SteadyClock::now() + grace;
    // A second request may shorten the grace, never prolong it.
    kill_at_ = phase_ == Phase::kTerminating ? std::min(kill_at_, kill_at) : kill_at;
    if (phase_ == Phase::kRunning) phase_ = Phase::kTerminating;
    Terminate(processes);
  }

  void Wait() {
    int timeout = -1;
    if (phase_ == Phase::kKilling) timeout = static_cast<int>(kKillAgain.count());
    if (phase_ == Phase::kTerminating) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - SteadyClock::now());
      timeout = static_cast<int>(std::clamp<int64_t>(left.count(), 0, INT32_MAX));
    }
    pollfd events[] = {{child_signal_.get(), POLLIN, 0},
                       {agent_gone_ ? -1 : control_.get(), POLLIN, 0},
                       {launcher_alive_.get(), POLLIN, 0}};
    if (::poll(events, 3, timeout) <= 0) return;
    if (events[0].revents != 0) DrainChildSignal();
    if (events[1].revents != 0) HearAgent();
    if (events[2].revents != 0) {
      launcher_alive_.reset();
      launcher_lost_ = true;
      phase_ = Phase::kKilling;
    }
  }

  void DrainChildSignal() {
    signalfd_siginfo info;
    while (::read(child_signal_.get(), &info, sizeof(info)) == sizeof(info)) {
    }
  }

  void HearAgent() {
    StopRequest request;
    switch (ReceivePacket(control_.get(), &request, sizeof(request))) {
      case Receipt::kNothingYet:
        return;
      case Receipt::kPacket:
        BeginEnd(DescendantsOf(::getpid()), std::chrono::milliseconds(request.grace_ms));
        return;
      case Receipt::kEnd:
        agent_gone_ = true;
        phase_ = Phase::kKilling;
    }
  }

  ScopedFd control_;
  ScopedFd output_;
  ScopedFd command_;
  ScopedFd launcher_alive_;
  ScopedFd child_signal_;
  Report report_ = {};
  pid_t leader_ = -1;
  SteadyClock::time_point started_at_;
  SteadyClock::time_point kill_at_;
  Phase phase_ = Phase::kRunning;
  bool leader_ended_ = false;
  bool empty_ = false;
  bool agent_gone_ = false;
  bool launcher_lost_ = false;
};

}  // namespace

void RunSupervisor(LaunchFds fds, ScopedFd launcher_alive) {
  ::prctl(PR_SET_NAME, "wasmagent-step");
  Supervisor(std::move(fds), std::move(launcher_alive)).Run();
  ::_exit(0);
}

}  // namespace wasmagent::sandbox
