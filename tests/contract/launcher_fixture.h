// What the launcher's contract tests share: a launcher, a way to run a shell line, and waiting for processes without
// sleeping.
#pragma once

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "agent/sandbox/launcher.h"
#include "gtest/gtest.h"
#include "platform/file.h"
#include "platform/scoped_fd.h"

namespace wasmagent::sandbox {

// Longer than anything here takes on a loaded machine: reaching it means that the test failed.
inline constexpr int kPatienceMs = 60000;

inline Command Shell(const std::string& line) {
  Command command;
  command.argv = {"sh", "-c", line};
  command.env = {{"PATH", "/usr/bin:/bin"}};
  command.directory = "/";
  return command;
}

// A process that is watched from now on, also when it is no child of this one.
class WatchedProcess {
 public:
  explicit WatchedProcess(pid_t pid) : pid_(pid), fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  // True when it has ended, or ends while we wait.
  bool Ends() const {
    if (!fd_.valid()) return true;  // gone, and reaped, before we looked
    pollfd event = {fd_.get(), POLLIN, 0};
    return ::poll(&event, 1, kPatienceMs) == 1;
  }
  bool alive() const {
    if (!fd_.valid()) return false;
    pollfd event = {fd_.get(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 0;
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  platform::ScopedFd fd_;
};

inline pid_t ParentOf(pid_t process) {
  auto text = platform::ReadFile("/proc/" + std::to_string(process) + "/stat");
  if (!text.ok()) return -1;
  std::istringstream rest(text->substr(text->rfind(')') + 2));
  std::string state;
  pid_t parent = -1;
  rest >> state >> parent;
  return parent;
}

// A launcher for each test, and a run of one shell line with defaults.
class LauncherTest : public testing::Test {
 protected:
  void SetUp() override {
    auto launcher = StartLauncher();
    ASSERT_TRUE(launcher.ok()) << launcher.status();
    launcher_ = *std::move(launcher);
  }

  absl::StatusOr<CommandResult> Run(const Command& command) {
    return launcher_->Run(
        command,
        [this](std::string_view bytes) {
          output_.append(bytes);
          return on_output_ ? on_output_() : absl::OkStatus();
        },
        stop_, deadline_, grace_);
  }
  absl::StatusOr<CommandResult> Run(const std::string& line) { return Run(Shell(line)); }

  std::unique_ptr<Launcher> launcher_;
  StopToken stop_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Duration grace_ = absl::Seconds(60);
  std::string output_;
  std::function<absl::Status()> on_output_;  // called after bytes were added to output_
};

}  // namespace wasmagent::sandbox
