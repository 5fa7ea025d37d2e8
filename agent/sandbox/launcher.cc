#include "agent/sandbox/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <utility>

#include "agent/sandbox/launch_protocol.h"
#include "agent/sandbox/launcher_process.h"
#include "agent/sandbox/memory_events.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/status.h"

namespace wasmagent::sandbox {
namespace {

using platform::ErrnoStatus;
using platform::ScopedFd;
using SteadyClock = std::chrono::steady_clock;

// What the pipe holds: with it a compiler's burst does not wait for the journal.
constexpr int kPipeBytes = 1 << 20;

// The most that a sink gets at a time.
constexpr size_t kChunk = 64 * 1024;

// How long output gathers after a sink was given less than that. make prints a line for each compiler that it starts:
// handed on one by one, each with a record in the journal and a message to whoever watches, they cost a build of cached
// objects a tenth of its time. What comes after silence is handed on at once.
constexpr std::chrono::milliseconds kGathering(10);

// A joined thread's entry below /proc may outlive the join by a moment.
constexpr int kThreadChecks = 100;

#if defined(WASMAGENT_THREAD_SANITIZER)
// ThreadSanitizer runs a thread of its own, which does not mind the fork.
constexpr size_t kThreadsAtStart = 2;
#else
constexpr size_t kThreadsAtStart = 1;
#endif

absl::Status CheckSingleThreaded() {
  size_t threads = 0;
  for (int i = 0; i < kThreadChecks; ++i) {
    ASSIGN_OR_RETURN_CTX(auto entries, platform::ListDirectory("/proc/self/task"), "count the agent's threads");
    threads = entries.size();
    if (threads <= kThreadsAtStart) return absl::OkStatus();
    ::poll(nullptr, 0, 1);
  }
  return absl::FailedPreconditionError(
      fmt::format("the launcher must be forked before threads are started; there are {}", threads));
}

absl::StatusOr<std::pair<ScopedFd, ScopedFd>> PacketPair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return ErrnoStatus(errno, "socketpair");
  return std::make_pair(ScopedFd(ends[0]), ScopedFd(ends[1]));
}

struct OutputPipe {
  ScopedFd reading;
  ScopedFd writing;
  bool large;  // kPipeBytes of room, which is refused beyond a user's share; the default size works too
};

absl::StatusOr<OutputPipe> MakeOutputPipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "pipe");
  const bool large = ::fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes) >= 0;
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // the reading end alone
  return OutputPipe{ScopedFd(ends[0]), ScopedFd(ends[1]), large};
}

std::string_view PathOf(const Command& command) {
  auto path = command.env.find("PATH");
  return path == command.env.end() ? "(none: /usr/bin:/bin)" : std::string_view(path->second);
}

absl::Status NotStarted(const Command& command, const Report& report) {
  const std::string& program = command.argv[0];
  const bool searched = program.find('/') == std::string::npos;
  switch (report.stage) {
    case StartStage::kExec:
      if (report.error == ENOENT && searched) {
        return absl::NotFoundError(fmt::format("{}: no such program in PATH {}", program, PathOf(command)));
      }
      return ErrnoStatus(report.error, fmt::format("cannot start {}", program));
    case StartStage::kInterpreter:
      return absl::NotFoundError(
          fmt::format("cannot start {}: the interpreter that its first line names does not exist", program));
    case StartStage::kDirectory:
      return ErrnoStatus(report.error, fmt::format("cannot start {} in {}", program, command.directory));
    case StartStage::kLimits:
      return ErrnoStatus(report.error, fmt::format("cannot set the limits of {}", program));
    default:
      return ErrnoStatus(report.error, fmt::format("cannot fork for {}", program));
  }
}

// Output that says that something was killed; next to a counted out-of-memory kill it shows that it was this command's.
bool SaysKilled(std::string_view output) {
  return output.find("Killed") != std::string_view::npos || output.find("signal 9") != std::string_view::npos;
}

// One command between Run's begin and end. Used by one thread.
class CommandRun {
 public:
  CommandRun(const Command& command, const OutputSink& sink, StopToken& stop, absl::Time deadline, absl::Duration grace)
      : command_(command), sink_(sink), stop_(stop), deadline_(deadline), grace_(grace) {}

  absl::StatusOr<CommandResult> Run(int launcher) {
    if (AskedToStop()) return Result();
    oom_kills_ = oom_counter_.Read();
    absl::Status launched = Launch(launcher);
    launcher_gone_ = absl::IsUnavailable(launched);
    RETURN_IF_ERROR(launched);
    buffer_ = std::make_unique<std::array<char, kChunk>>();
    while (!last_report_) RETURN_IF_ERROR(Wait());
    DrainOutput();
    switch (report_.kind) {
      case ReportKind::kNotStarted:
        return NotStarted(command_, report_);
      case ReportKind::kNoSupervisor:
        return ErrnoStatus(report_.error, fmt::format("cannot fork for {}", command_.argv[0]));
      case ReportKind::kSupervisorLost:
        return absl::UnavailableError(
            fmt::format("the supervisor of {} was killed, and its processes with it", command_.argv[0]));
      case ReportKind::kLauncherLost:
        return LauncherGone();
      default:
        break;
    }
    RETURN_IF_ERROR_CTX(sink_status_, fmt::format("keep the output of {}", command_.argv[0]));
    return Result();
  }

  // True when that is why Run failed.
  bool launcher_gone() const { return launcher_gone_; }

 private:
  absl::Status LauncherGone() {
    launcher_gone_ = true;
    return absl::UnavailableError("the launcher process died; what it ran was killed, and the agent must be restarted");
  }

  // Notes a stop or a deadline that has come; the first one stays.
  bool AskedToStop() {
    if (reason_ != StopReason::kNone) return true;
    reason_ = stop_.reason();
    if (reason_ == StopReason::kNone && absl::Now() >= deadline_) reason_ = StopReason::kTimedOut;
    return reason_ != StopReason::kNone;
  }

  absl::Status Launch(int launcher) {
    ASSIGN_OR_RETURN(ScopedFd encoded, EncodeCommand(command_));
    ASSIGN_OR_RETURN(OutputPipe output, MakeOutputPipe());
    ASSIGN_OR_RETURN(auto control, PacketPair());
    LaunchFds fds{std::move(encoded), std::move(output.writing), std::move(control.second)};
    RETURN_IF_ERROR(SendLaunch(launcher, fds));
    output_ = std::move(output.reading);
    // While output gathers nobody reads: a small pipe would fill up, and its writers wait.
    gathering_ = output.large ? kGathering : std::chrono::milliseconds(0);
    control_ = std::move(control.first);
    return absl::OkStatus();
  }

  absl::Status Wait() {
    const auto gathering = output_.valid() ? next_read_ - SteadyClock::now() : SteadyClock::duration::zero();
    const bool read = gathering <= SteadyClock::duration::zero();
    pollfd events[] = {{control_.get(), POLLIN, 0},
                       {read ? output_.get() : -1, POLLIN, 0},
                       {stop_sent_ ? -1 : stop_.event_fd(), POLLIN, 0}};
    if (::poll(events, 3, Timeout(read ? absl::InfiniteDuration() : absl::FromChrono(gathering))) < 0 && errno != EINTR)
      return ErrnoStatus(errno, "poll");
    if (events[1].revents != 0) ReadOutput();
    if (events[0].revents != 0) RETURN_IF_ERROR(HearSupervisor());
    if (!stop_sent_ && !leader_ended_ && (AskedToStop() || !sink_status_.ok())) SendStop();
    return absl::OkStatus();
  }

  // Milliseconds until the deadline, at most `limit`; -1 when neither comes.
  int Timeout(absl::Duration limit) const {
    if (!stop_sent_ && !leader_ended_) limit = std::min(limit, deadline_ - absl::Now());
    if (limit == absl::InfiniteDuration()) return -1;
    int64_t left = absl::ToInt64Milliseconds(absl::Ceil(limit, absl::Milliseconds(1)));
    return static_cast<int>(std::clamp<int64_t>(left, 0, INT32_MAX));
  }

  void SendStop() {
    stop_sent_ = true;
    StopRequest request = {std::max<int64_t>(0, absl::ToInt64Milliseconds(grace_))};
    SendPacket(control_.get(), &request, sizeof(request));
  }

  absl::Status HearSupervisor() {
    Report report;
    switch (ReceivePacket(control_.get(), &report, sizeof(report))) {
      case Receipt::kNothingYet:
        return absl::OkStatus();
      case Receipt::kEnd:
        return LauncherGone();
      case Receipt::kPacket:
        break;
    }
    report_ = report;
    leader_ended_ = leader_ended_ || report.kind == ReportKind::kLeaderEnded;
    last_report_ = report.kind != ReportKind::kStarted && report.kind != ReportKind::kLeaderEnded;
    return absl::OkStatus();
  }

  // One read; false when there is nothing now or ever.
  bool ReadOutput() {
    if (!output_.valid()) return false;
    ssize_t got = ::read(output_.get(), buffer_->data(), buffer_->size());
    if (got < 0 && errno == EINTR) return true;
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
      output_.reset();  // poll leaves out negative descriptors
      return false;
    }
    std::string_view bytes(buffer_->data(), static_cast<size_t>(got));
    next_read_ = SteadyClock::now();
    if (bytes.size() < kChunk) next_read_ += gathering_;
    // What comes after an error is read and dropped, so that no process of the tree waits for room.
    if (sink_status_.ok()) sink_status_ = sink_(bytes);
    says_killed_ = says_killed_ || SaysKilled(bytes);
    return true;
  }

  // The tree is empty, so all that it wrote is in the pipe. What holds the other end still, if anything, was handed it.
  void DrainOutput() {
    while (ReadOutput()) {
    }
  }

  CommandResult Result() const {
    CommandResult result;
    result.wall_time = absl::Nanoseconds(report_.wall_ns);
    result.cpu_time = absl::Microseconds(report_.cpu_us);
    result.peak_memory_bytes = report_.peak_bytes;
    result.strays_killed = report_.strays;
    if (WIFSIGNALED(report_.wait_status)) {
      result.signal = WTERMSIG(report_.wait_status);
      result.exit_code = 128 + result.signal;
    } else {
      result.exit_code = WEXITSTATUS(report_.wait_status);
    }
    if (reason_ != StopReason::kNone) {
      result.end = reason_ == StopReason::kCancelled ? CommandResult::End::kCancelled : CommandResult::End::kTimedOut;
      // A command that was never started, or obeyed TERM with exit 0, has not succeeded.
      if (result.exit_code == 0) result.exit_code = 128 + SIGTERM;
    } else if (OutOfMemory(result)) {
      result.end = CommandResult::End::kOutOfMemory;
    } else if (result.signal != 0) {
      result.end = CommandResult::End::kSignalled;
    }
    return result;
  }

  // The kernel counted a kill during the run, and this command shows that it was hit: other commands share the counter.
  bool OutOfMemory(const CommandResult& result) const {
    if (result.exit_code == 0) return false;
    bool hit = result.signal == SIGKILL || result.exit_code == 128 + SIGKILL || says_killed_;
    return hit && oom_counter_.Read() > oom_kills_;
  }

  const Command& command_;
  const OutputSink& sink_;
  StopToken& stop_;
  const absl::Time deadline_;
  const absl::Duration grace_;
  const OomKillCounter oom_counter_ = OomKillCounter::OfThisProcess();
  uint64_t oom_kills_ = 0;
  ScopedFd control_;
  ScopedFd output_;
  std::unique_ptr<std::array<char, kChunk>> buffer_;
  std::chrono::milliseconds gathering_{0};
  SteadyClock::time_point next_read_;  // not the deadline's clock: one that is set back must not hold up output
  absl::Status sink_status_;
  StopReason reason_ = StopReason::kNone;
  Report report_ = {};
  bool leader_ended_ = false;
  bool last_report_ = false;
  bool stop_sent_ = false;
  bool says_killed_ = false;
  bool launcher_gone_ = false;
};

// The agent's end. Owns the launcher process: destroying it ends that process and all below it.
class ForkedLauncher : public Launcher {
 public:
  ForkedLauncher(ScopedFd socket, pid_t process) : socket_(std::move(socket)), process_(process) {}
  ~ForkedLauncher() override {
    socket_.reset();
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }

  absl::StatusOr<CommandResult> Run(const Command& command, const OutputSink& sink, StopToken& stop,
                                    absl::Time deadline, absl::Duration grace) override {
    CommandRun run(command, sink, stop, deadline, grace);
    auto result = run.Run(socket_.get());
    if (run.launcher_gone()) gone_ = true;
    return result;
  }

  bool Alive() const override {
    // A dying process closes its sockets some time before it can be waited for.
    if (gone_) return false;
    siginfo_t info = {};
    // WNOWAIT: the destructor is who reaps.
    return ::waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }

 private:
  ScopedFd socket_;
  const pid_t process_;
  std::atomic<bool> gone_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Launcher>> StartLauncher() {
  RETURN_IF_ERROR(CheckSingleThreaded());
  ASSIGN_OR_RETURN(auto ends, PacketPair());
  pid_t process = ::fork();
  if (process < 0) return ErrnoStatus(errno, "fork the launcher");
  if (process == 0) {
    ends.first.reset();
    RunLauncherProcess(std::move(ends.second));
  }
  return std::make_unique<ForkedLauncher>(std::move(ends.first), process);
}

}  // namespace wasmagent::sandbox
