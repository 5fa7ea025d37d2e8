// Whoever dies, no process of a command is left: the agent, the launcher, a supervisor.
#include <sys/wait.h>

#include <thread>

#include "tests/contract/launcher_fixture.h"

namespace wasmagent::sandbox {
namespace {

// Starts two processes in sessions of their own, ignoring TERM, and prints their ids and the leader's parent's.
constexpr char kTree[] =
    "trap '' TERM; setsid sh -c 'echo $$; while :; do sleep 1000; done' & sh -c 'echo $$; while :; do sleep 1000; "
    "done' & "
    "echo $PPID; while :; do sleep 1000; done";
constexpr int kTreeLines = 3;

std::vector<WatchedProcess> Watch(const std::string& output) {
  std::vector<WatchedProcess> processes;
  std::istringstream pids(output);
  for (pid_t pid; pids >> pid;) processes.emplace_back(pid);
  return processes;
}

// An agent that is killed with -9 leaves no process: not the tree, not supervisors, not the launcher.
TEST(AgentDeath, LeavesNoProcess) {
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  pid_t agent = ::fork();
  ASSERT_GE(agent, 0);
  if (agent == 0) {
    ::close(pipe_fds[0]);
    auto launcher = StartLauncher();
    StopToken stop;
    if (launcher.ok()) {
      (void)(*launcher)->Run(
          Shell(kTree), [&](std::string_view bytes) { return platform::WriteAll(pipe_fds[1], bytes); }, stop,
          absl::InfiniteFuture(), absl::Seconds(60));
    }
    ::_exit(0);
  }
  ::close(pipe_fds[1]);
  std::string output;
  while (std::count(output.begin(), output.end(), '\n') < kTreeLines) {
    char buffer[256];
    ssize_t got = ::read(pipe_fds[0], buffer, sizeof(buffer));
    ASSERT_GT(got, 0);
    output.append(buffer, static_cast<size_t>(got));
  }
  std::vector<WatchedProcess> processes = Watch(output);
  // The supervisor is one of them; its parent is the launcher.
  for (size_t i = 0; i < kTreeLines; ++i) {
    pid_t parent = ParentOf(processes[i].pid());
    if (ParentOf(parent) == agent) processes.emplace_back(parent);
  }
  ASSERT_EQ(processes.size(), kTreeLines + 1u) << output;
  for (const WatchedProcess& process : processes) EXPECT_TRUE(process.alive());
  ASSERT_EQ(::kill(agent, SIGKILL), 0);
  for (const WatchedProcess& process : processes) EXPECT_TRUE(process.Ends()) << process.pid();
  ::waitpid(agent, nullptr, 0);
  ::close(pipe_fds[0]);
}

class DeathTest : public LauncherTest {
 protected:
  // Runs the tree and, once it is up, calls `kill` with its processes; all must be gone when Run returns.
  absl::Status RunAndKill(const std::function<void(const std::vector<WatchedProcess>&)>& kill) {
    std::vector<WatchedProcess> processes;
    on_output_ = [&] {
      if (!processes.empty() || std::count(output_.begin(), output_.end(), '\n') < kTreeLines) return absl::OkStatus();
      processes = Watch(output_);
      kill(processes);
      return absl::OkStatus();
    };
    auto result = Run(kTree);
    EXPECT_EQ(processes.size(), static_cast<size_t>(kTreeLines));
    for (const WatchedProcess& process : processes) EXPECT_TRUE(process.Ends()) << process.pid();
    return result.status();
  }

  // The process among these whose parent's parent is this one: the supervisor.
  static pid_t SupervisorOf(const std::vector<WatchedProcess>& processes) {
    for (const WatchedProcess& process : processes) {
      if (ParentOf(ParentOf(process.pid())) == ::getpid()) return process.pid();
    }
    return -1;
  }
};

// A launcher that is killed takes its commands with it; Run says so, and so does the next one.
TEST_F(DeathTest, OfTheLauncher) {
  EXPECT_TRUE(launcher_->Alive());
  absl::Status status = RunAndKill([](const auto& processes) { ::kill(ParentOf(SupervisorOf(processes)), SIGKILL); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(launcher_->Alive());
  EXPECT_EQ(Run("true").status().code(), absl::StatusCode::kUnavailable);
}

// All commands under way hear of a dead launcher.
TEST_F(DeathTest, OfTheLauncherIsHeardByAll) {
  std::atomic<int> unavailable{0};
  std::vector<std::thread> neighbours;
  std::atomic<int> running{0};
  constexpr int kNeighbours = 4;
  for (int i = 0; i < kNeighbours; ++i) {
    neighbours.emplace_back([&] {
      StopToken stop;
      auto result = launcher_->Run(
          Shell("echo up; exec sleep 1000"),
          [&](std::string_view) {
            ++running;
            running.notify_all();
            return absl::OkStatus();
          },
          stop, absl::InfiniteFuture(), absl::Seconds(60));
      if (absl::IsUnavailable(result.status())) ++unavailable;
    });
  }
  for (int seen = running; seen < kNeighbours; seen = running) running.wait(seen);
  absl::Status status = RunAndKill([](const auto& processes) { ::kill(ParentOf(SupervisorOf(processes)), SIGKILL); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  for (std::thread& neighbour : neighbours) neighbour.join();
  EXPECT_EQ(unavailable, kNeighbours);
}

// A supervisor that is killed loses its command, not the launcher: what was below it is killed before Run returns.
TEST_F(DeathTest, OfASupervisor) {
  absl::Status status = RunAndKill([](const auto& processes) { ::kill(SupervisorOf(processes), SIGKILL); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_TRUE(launcher_->Alive());
  EXPECT_TRUE(Run("true").ok());
}

// Destroying the launcher ends its process.
TEST_F(DeathTest, OfTheOwner) {
  ASSERT_TRUE(Run("echo $PPID; cat /proc/$PPID/stat").ok());
  std::string text = output_.substr(output_.rfind(')') + 2);
  std::istringstream rest(text);
  std::string state;
  pid_t launcher = -1;
  rest >> state >> launcher;
  WatchedProcess watched(launcher);
  EXPECT_TRUE(watched.alive());
  launcher_.reset();
  EXPECT_TRUE(watched.Ends());
}

}  // namespace
}  // namespace wasmagent::sandbox
