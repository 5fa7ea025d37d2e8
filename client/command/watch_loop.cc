#include "client/command/watch_loop.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "absl/time/clock.h"
#include "client/command/exit_code.h"
#include "client/session/agent_calls.h"
#include "client/session/event_watch.h"
#include "platform/scoped_fd.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// How often a cancel that could not be delivered is tried again.
constexpr absl::Duration kCancelAgain = absl::Seconds(1);

// Without those that were to be ignored when the program began: nohup and a shell's "&" mean that, and a blocked signal
// would be read all the same.
sigset_t WatchSignals() {
  static const sigset_t signals = [] {
    sigset_t set;
    ::sigemptyset(&set);
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction action;
      if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
      ::sigaddset(&set, signal);
    }
    return set;
  }();
  return signals;
}

// The state of one watch. All on one thread: signals and keys are looked at with every tick, ten times a second.
class Loop {
 public:
  Loop(AgentConnection& connection, const std::string& build_id, BuildView& view)
      : connection_(connection), build_id_(build_id), view_(view) {}

  absl::StatusOr<BuildEnd> Run() {
    sigset_t signals = WatchSignals();
    signals_ = platform::ScopedFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_.valid()) return platform::ErrnoStatus(errno, "signalfd");
    WatchOptions options;
    options.on_event = [this](const wasmagent::v1::BuildEvent& event) { OnEvent(event); };
    options.on_notice = [this](const WatchNotice& notice) { view_.Note(notice.text); };
    options.on_tick = [this] {
      Listen();
      view_.Tick();
    };
    options.stop = [this] { return end_.detached; };
    auto watched = WatchBuild(connection_, build_id_, options);
    view_.Close();
    if (end_.detached) return end_;
    RETURN_IF_ERROR(watched.status());
    return end_;
  }

 private:
  void OnEvent(const wasmagent::v1::BuildEvent& event) {
    // A build that started again after a restart of the agent makes its artifacts again.
    if (event.has_started()) {
      end_.artifacts.clear();
      end_.evidence.clear();
      end_.test_results.clear();
      end_.cache_hits = end_.cache_misses = 0;
    }
    end_.cache_hits += event.step_ended().compiler_cache_hits();
    end_.cache_misses += event.step_ended().compiler_cache_misses();
    if (event.has_artifacts()) end_.artifacts.push_back(event.artifacts());
    if (event.has_test_results()) end_.test_results.push_back(event.test_results());
    if (event.has_evidence()) end_.evidence.push_back(event.evidence());
    if (event.has_ended()) end_.ended = event.ended();
    view_.Event(event);
  }

  void Listen() {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof(info)) == sizeof(info)) OnSignal(static_cast<int>(info.ssi_signo));
    // Keys are read only while a question stands.
    pollfd keys = {STDIN_FILENO, POLLIN, 0};
    if (asking_ && ::poll(&keys, 1, 0) > 0) OnAnswer();
    if (cancel_again_ < absl::Now()) Cancel();
  }

  void RequestCancel() {
    asking_ = false;
    view_.Note("cancelling");
    Cancel();
  }

  // A wish that the agent has not heard is no cancel: it is told again until the agent has, or watching ends.
  void Cancel() {
    auto cancelled = CancelBuild(connection_, build_id_, "Ctrl-C in wasmctl");
    end_.cancel_requested = cancelled.ok();
    cancel_again_ = absl::InfiniteFuture();
    if (cancelled.ok()) return;
    view_.Note(std::string(cancelled.status().message()));
    if (absl::IsUnavailable(cancelled.status()) || absl::IsDeadlineExceeded(cancelled.status()))
      cancel_again_ = absl::Now() + kCancelAgain;
  }

  void OnSignal(int signal) {
    bool terminal = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
    // A third Ctrl-C does not wait for processes that take their time to end.
    if (signal != SIGINT || ++interrupts_ >= 3) {
      end_.detached = true;
      end_.signal = signal;
    } else if (!terminal || interrupts_ == 2) {
      RequestCancel();
    } else {
      asking_ = true;
      view_.Note("detach (d) and let the build go on, cancel (c) it, or go on watching (Enter)? Ctrl-C again cancels");
    }
  }

  void OnAnswer() {
    char line[64] = {};
    ssize_t got = ::read(STDIN_FILENO, line, sizeof(line) - 1);
    asking_ = false;
    interrupts_ = 0;
    if (got <= 0) return;
    if (line[0] == 'd' || line[0] == 'D') end_.detached = true;
    if (line[0] == 'c' || line[0] == 'C') {
      interrupts_ = 2;
      RequestCancel();
    }
  }

  AgentConnection& connection_;
  const std::string& build_id_;
  BuildView& view_;
  platform::ScopedFd signals_;
  bool asking_ = false;
  int interrupts_ = 0;
  absl::Time cancel_again_ = absl::InfiniteFuture();
  BuildEnd end_;
};

}  // namespace

void BlockWatchSignals() {
  sigset_t set = WatchSignals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void UnblockWatchSignals() {
  sigset_t set = WatchSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void WaitForWatchSignal() {
  sigset_t set = WatchSignals();
  int signal = 0;
  ::sigwait(&set, &signal);
}

EndOnSignal::EndOnSignal(std::string advice) : stop_(::eventfd(0, EFD_CLOEXEC)) {
  thread_ = std::thread([this, advice = std::move(advice)] {
    sigset_t set = WatchSignals();
    platform::ScopedFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
    pollfd fds[2] = {{stop_.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
    while (::poll(fds, 2, -1) < 0 && errno == EINTR) {
    }
    if (fds[1].revents == 0) return;
    if (!advice.empty()) (void)!::write(STDERR_FILENO, advice.data(), advice.size());
    signalfd_siginfo info = {};
    (void)!::read(signals.get(), &info, sizeof(info));
    ::_exit(advice.empty() ? 128 + static_cast<int>(info.ssi_signo) : static_cast<int>(kCancelled));
  });
}

EndOnSignal::~EndOnSignal() {
  uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

absl::StatusOr<BuildEnd> WatchToEnd(AgentConnection& connection, const std::string& build_id, BuildView& view) {
  return Loop(connection, build_id, view).Run();
}

}  // namespace wasmagent::client
