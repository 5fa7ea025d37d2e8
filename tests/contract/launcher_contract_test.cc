// What launcher.h promises about one command, and about many at once, over the real launcher.
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "platform/directory.h"
#include "tests/contract/launcher_fixture.h"

namespace wasmagent::sandbox {
namespace {

using End = CommandResult::End;

// An exit code comes back as it is.
TEST_F(LauncherTest, ReportsTheExitCode) {
  for (int code : {0, 1, 42, 255}) {
    auto result = Run("exit " + std::to_string(code));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->end, End::kExited);
    EXPECT_EQ(result->exit_code, code);
    EXPECT_EQ(result->strays_killed, 0u);
  }
}

// A signal that the command got by itself is told apart from an exit, and from an end that we made.
TEST_F(LauncherTest, ReportsTheSignal) {
  auto result = Run("kill -SEGV $$");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kSignalled);
  EXPECT_EQ(result->signal, SIGSEGV);
  EXPECT_EQ(result->exit_code, 128 + SIGSEGV);
}

// A KILL that no out-of-memory count explains is a signal, not "out of memory".
TEST_F(LauncherTest, AKillByHandIsNotOutOfMemory) {
  auto result = Run("kill -KILL $$");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kSignalled);
}

// Time and memory of the whole tree are told, not of the leader alone.
TEST_F(LauncherTest, CountsTheTreesTimeAndMemory) {
  auto result =
      Run("sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; dd if=/dev/zero of=/dev/null bs=64M count=1");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->cpu_time, absl::Milliseconds(20));
  EXPECT_GE(result->wall_time, absl::Milliseconds(20));
  EXPECT_GT(result->peak_memory_bytes, 64u << 20);
}

// A program that is not there is named, with the PATH that was searched: the command's, not the agent's.
TEST_F(LauncherTest, AMissingProgramIsNamed) {
  Command command = Shell("");
  command.argv = {"no-such-compiler"};
  command.env["PATH"] = "/opt/nowhere:/opt/nothing";
  auto result = Run(command);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(result.status().message().find("no-such-compiler"), std::string::npos) << result.status();
  EXPECT_NE(result.status().message().find("/opt/nowhere:/opt/nothing"), std::string::npos) << result.status();
}

// A missing folder, a file without permission and a script whose interpreter is missing are three different things.
TEST_F(LauncherTest, OtherReasonsNotToStartAreTold) {
  auto folder = platform::MakeTemporaryDirectory(testing::TempDir(), "launcher");
  ASSERT_TRUE(folder.ok());
  Command command = Shell("true");
  command.directory = *folder + "/absent";
  auto result = Run(command);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(result.status().message().find(*folder + "/absent"), std::string::npos) << result.status();

  ASSERT_TRUE(platform::WriteFileAtomically(*folder + "/plain", "x", 0644, false).ok());
  command.directory = *folder;
  command.argv = {"./plain"};
  EXPECT_EQ(Run(command).status().code(), absl::StatusCode::kPermissionDenied);

  ASSERT_TRUE(platform::WriteFileAtomically(*folder + "/script", "#!/no/such/interpreter\n", 0755, false).ok());
  command.argv = {"./script"};
  result = Run(command);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(result.status().message().find("interpreter"), std::string::npos) << result.status();

  // Text without "#!" is a shell script, as it is when typed.
  ASSERT_TRUE(platform::WriteFileAtomically(*folder + "/text", "echo \"shell $1\"\n", 0755, false).ok());
  command.argv = {"./text", "arg"};
  EXPECT_TRUE(Run(command).ok());
  EXPECT_EQ(output_, "shell arg\n");
  (void)platform::RemoveTree(*folder);
}

// What exec cannot carry is refused before anything starts.
TEST_F(LauncherTest, RefusesWhatCannotBeCarried) {
  Command command = Shell("true");
  command.argv.clear();
  EXPECT_EQ(Run(command).status().code(), absl::StatusCode::kInvalidArgument);
  command = Shell("true");
  command.directory = "relative";
  EXPECT_EQ(Run(command).status().code(), absl::StatusCode::kInvalidArgument);
  command = Shell("true");
  command.argv.push_back(std::string("a\0b", 3));
  EXPECT_EQ(Run(command).status().code(), absl::StatusCode::kInvalidArgument);
  command = Shell("true");
  command.env["A=B"] = "c";
  EXPECT_EQ(Run(command).status().code(), absl::StatusCode::kInvalidArgument);
}

// argv[0] is searched in the command's own PATH; with a slash it is relative to the working directory.
TEST_F(LauncherTest, FindsTheProgramInTheCommandsPath) {
  auto folder = platform::MakeTemporaryDirectory(testing::TempDir(), "launcher");
  ASSERT_TRUE(folder.ok());
  ASSERT_TRUE(platform::MakeDirectories(*folder + "/bin").ok());
  ASSERT_TRUE(platform::WriteFileAtomically(*folder + "/bin/tool", "#!/bin/sh\necho found\n", 0755, false).ok());
  Command command;
  command.argv = {"tool"};
  command.directory = "/";
  command.env = {{"PATH", "/nowhere:" + *folder + "/bin"}};
  ASSERT_TRUE(Run(command).ok());
  command.argv = {"bin/tool"};
  command.directory = *folder;
  command.env = {};
  ASSERT_TRUE(Run(command).ok());
  EXPECT_EQ(output_, "found\nfound\n");
  (void)platform::RemoveTree(*folder);
}

// The environment is exactly the one that was given, however large; nothing of the agent's own gets in.
TEST_F(LauncherTest, EnvironmentIsExact) {
  ::setenv("AGENT_SECRET", "must not be seen", 1);
  Command command;
  command.argv = {"/usr/bin/env"};
  command.directory = "/";
  command.env = {{"A", "1"}, {"EMPTY", ""}, {"LARGE", std::string(100000, 'x')}};
  ASSERT_TRUE(Run(command).ok());
  EXPECT_EQ(output_, "A=1\nEMPTY=\nLARGE=" + std::string(100000, 'x') + "\n");
}

// Working directory, umask, stdin, session and signal handling are the same whatever the agent's are.
TEST_F(LauncherTest, SurroundingsAreExact) {
  ::signal(SIGPIPE, SIG_IGN);
  Command command =
      Shell("pwd; umask; cat; test $$ = $(ps -o sid= -p $$) && echo session; grep -E 'Sig(Ign|Blk)' /proc/self/status");
  command.directory = "/usr/bin";
  ASSERT_TRUE(Run(command).ok());
  EXPECT_EQ(output_, "/usr/bin\n0022\nsession\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

// A command sees descriptors 0, 1 and 2 and no other, whatever the agent has open and forgot to mark.
TEST_F(LauncherTest, NoDescriptorLeaks) {
  launcher_.reset();
  int leak = ::open("/dev/null", O_RDONLY);  // inherited by the launcher
  SetUp();
  int later = ::open("/dev/null", O_RDONLY);
  ASSERT_TRUE(Run("ls /proc/self/fd").ok());
  EXPECT_EQ(output_, "0\n1\n2\n3\n") << "3 is ls reading the folder";
  ::close(leak);
  ::close(later);
}

// The agent's own descriptors are as many after a thousand commands as before.
TEST_F(LauncherTest, TheAgentLosesNoDescriptor) {
  ASSERT_TRUE(Run("true").ok());
  size_t before = platform::ListDirectory("/proc/self/fd")->size();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Run(i % 2 == 0 ? "true" : "exit 3").ok());
  Command missing = Shell("");
  missing.argv = {"no-such-program"};
  EXPECT_FALSE(Run(missing).ok());
  EXPECT_EQ(platform::ListDirectory("/proc/self/fd")->size(), before);
}

// Limits hold in the command's processes.
TEST_F(LauncherTest, LimitsHold) {
  Command command = Shell("ulimit -n; ulimit -f; ulimit -c");
  command.limits.open_files = 123;
  command.limits.file_bytes = 512 * 1024;
  ASSERT_TRUE(Run(command).ok());
  EXPECT_EQ(output_, "123\n1024\n0\n");
}

// Every byte of a large output arrives, in the order in which it was written, stdout and stderr in one stream.
TEST_F(LauncherTest, LargeOutputIsCompleteAndInOrder) {
  // 50 MB: seq's numbers, each line as long as the next.
  size_t bytes = 0;
  size_t wrong = 0;
  uint64_t next = 1000000;
  std::string rest;
  bool full = false;
  absl::Time last;
  int at_once = 0;  // pieces that came within 10 ms of a full one
  auto result = launcher_->Run(
      Shell("seq 1000000 7249999; echo end >&2"),
      [&](std::string_view chunk) {
        EXPECT_LE(chunk.size(), 64u * 1024);
        if (full && absl::Now() - last < absl::Milliseconds(10)) ++at_once;
        full = chunk.size() == 64u * 1024;
        last = absl::Now();
        bytes += chunk.size();
        rest.append(chunk);
        size_t at = 0;
        for (; at + 8 <= rest.size(); at += 8) {
          if (std::stoull(rest.substr(at, 7)) != next++ || rest[at + 7] != '\n') ++wrong;
        }
        rest.erase(0, at);
        return absl::OkStatus();
      },
      stop_, deadline_, grace_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(bytes, 50000000u + 4);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(rest, "end\n");
  // What is in the pipe when the command has ended, at most 1 MiB or 16 pieces, comes at once in any case.
  EXPECT_GT(at_once, 32) << "it gathers where there is enough";
}

// Many small writes are handed on together: at most one piece for each 10 ms, and for each 64 KiB.
TEST_F(LauncherTest, SmallOutputIsGathered) {
  const absl::Time begin = absl::Now();
  int64_t pieces = 0;
  auto result = launcher_->Run(
      Shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i + 1)); done"),
      [&](std::string_view chunk) {
        ++pieces;
        output_.append(chunk);
        return absl::OkStatus();
      },
      stop_, deadline_, grace_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(output_.size(), 10u * 2 + 90 * 3 + 900 * 4 + 9000 * 5 + 10000 * 6);
  EXPECT_LE(pieces, 3 + (absl::Now() - begin) / absl::Milliseconds(10) + static_cast<int64_t>(output_.size() / 65536));
}

// stdout and stderr keep their order among each other.
TEST_F(LauncherTest, StreamsKeepTheirOrder) {
  ASSERT_TRUE(Run("for i in 1 2 3 4 5; do echo o$i; echo e$i >&2; done").ok());
  EXPECT_EQ(output_, "o1\ne1\no2\ne2\no3\ne3\no4\ne4\no5\ne5\n");
}

// A daemon that keeps the pipe open does not hold up the end of the step, and is dead afterwards.
TEST_F(LauncherTest, AStrayThatKeepsThePipeIsKilled) {
  auto result = Run("setsid sh -c 'sh -c \"echo \\$\\$; exec sleep 1000\" & ' & wait; exit 5");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 5);
  EXPECT_EQ(result->end, End::kExited);
  EXPECT_LT(result->wall_time, absl::Seconds(30));
  if (!output_.empty()) {
    EXPECT_FALSE(WatchedProcess(std::stoi(output_)).alive());
  }
}

// The same for one that has closed the pipe, left the session, forked twice, and ignores TERM.
TEST_F(LauncherTest, AStrayThatHidesIsKilled) {
  auto result =
      Run("setsid sh -c 'trap \"\" TERM; (trap \"\" TERM; echo $$; exec >/dev/null 2>&1; while :; do sleep 1000; done) "
          "& exit' ; exit 0");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_GE(result->strays_killed, 1u);
}

// A stray that is asked gently gets time to put things in order.
TEST_F(LauncherTest, AStrayIsAskedBeforeItIsKilled) {
  auto result =
      Run("f=$(mktemp -u); mkfifo $f; (trap 'echo tidy; exit 0' TERM; echo > $f; while :; do sleep 0.01; done) & read "
          "x < $f; rm $f");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NE(output_.find("tidy\n"), std::string::npos) << output_;
  EXPECT_GE(result->strays_killed, 1u);
}

// A stop sends TERM first: what obeys it ends without waiting for the grace.
TEST_F(LauncherTest, AStopAsksFirst) {
  on_output_ = [this] {
    stop_.Stop(StopReason::kCancelled);
    return absl::OkStatus();
  };
  auto result = Run("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kCancelled);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_NE(output_.find("bye\n"), std::string::npos) << output_;
}

// A whole tree that ignores TERM, in sessions of its own and stopped, is killed when the grace is over.
TEST_F(LauncherTest, ATreeThatIgnoresTermIsKilled) {
  grace_ = absl::Milliseconds(50);
  std::vector<WatchedProcess> tree;
  on_output_ = [&] {
    if (std::count(output_.begin(), output_.end(), '\n') < 3) return absl::OkStatus();
    std::istringstream pids(output_);
    for (pid_t pid; pids >> pid;) tree.emplace_back(pid);
    stop_.Stop(StopReason::kCancelled);
    on_output_ = nullptr;
    return absl::OkStatus();
  };
  auto result = Run(
      "trap '' TERM; setsid sh -c 'echo $$; while :; do sleep 1000; done' & sh -c 'echo $$; kill -STOP $$' & echo $$; "
      "while :; do sleep 1000; done");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kCancelled);
  EXPECT_EQ(result->signal, SIGKILL);
  ASSERT_EQ(tree.size(), 3u);
  for (const WatchedProcess& process : tree) EXPECT_FALSE(process.alive()) << process.pid();
}

// A tree that forks without end cannot outrun the killing.
TEST_F(LauncherTest, ATreeThatKeepsForkingIsKilled) {
  grace_ = absl::ZeroDuration();
  on_output_ = [this] {
    stop_.Stop(StopReason::kCancelled);
    return absl::OkStatus();
  };
  auto result =
      Run("trap '' TERM; echo ready; f() { (sleep 0.2; f) & }; for i in 1 2 3 4 5 6 7 8; do f; done; while :; do (:) & "
          "wait; done");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kCancelled);
}

// A command that was stopped before its start is not started.
TEST_F(LauncherTest, AStopBeforeTheStart) {
  stop_.Stop(StopReason::kCancelled);
  auto result = Run("echo started");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kCancelled);
  EXPECT_NE(result->exit_code, 0);
  EXPECT_EQ(output_, "");
}

// The first reason stays; a token that was used up stops the next command too.
TEST_F(LauncherTest, StoppingTwice) {
  on_output_ = [this] {
    stop_.Stop(StopReason::kTimedOut);
    stop_.Stop(StopReason::kCancelled);
    return absl::OkStatus();
  };
  auto result = Run("echo ready; exec sleep 1000");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kTimedOut);
  result = Run("echo again");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kTimedOut);
  EXPECT_EQ(output_, "ready\n");
}

// A stop that crosses with the last report is a stop, and nothing that says that the launcher died.
TEST_F(LauncherTest, AStopAtTheVeryEnd) {
  for (int i = 0; i < 200; ++i) {
    StopToken stop;
    auto result = launcher_->Run(
        Shell("echo $$"),
        [&stop](std::string_view pid) {
          // The supervisor is about to tell of the end.
          if (!WatchedProcess(std::atoi(std::string(pid).c_str())).Ends()) return absl::DeadlineExceededError("no end");
          stop.Stop(StopReason::kCancelled);
          return absl::OkStatus();
        },
        stop, deadline_, grace_);
    ASSERT_TRUE(result.ok()) << result.status() << ", round " << i;
    ASSERT_TRUE(launcher_->Alive());
  }
}

// A deadline ends a silent command, as timed out; the wait costs no more than it says.
TEST_F(LauncherTest, ADeadlineEndsTheCommand) {
  deadline_ = absl::Now() + absl::Milliseconds(100);
  auto result = Run("exec sleep 1000");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kTimedOut);
  EXPECT_EQ(result->signal, SIGTERM);
  EXPECT_GE(absl::Now(), deadline_);
}

// When the log cannot be kept the command must not go on unseen.
TEST_F(LauncherTest, AnErrorOfTheSinkStopsTheCommand) {
  on_output_ = [] { return absl::ResourceExhaustedError("disk is full"); };
  auto result = Run("yes");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(result.status().message().find("disk is full"), std::string::npos);
}

// Commands run side by side, each with its own output and result.
TEST_F(LauncherTest, ManyAtOnce) {
  constexpr int kCommands = 20;
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int i = 0; i < kCommands; ++i) {
    threads.emplace_back([this, i, &right] {
      StopToken stop;
      std::string output;
      auto result = launcher_->Run(
          Shell("seq 1 10000; exit " + std::to_string(i)),
          [&](std::string_view bytes) {
            output.append(bytes);
            return absl::OkStatus();
          },
          stop, absl::InfiniteFuture(), absl::Seconds(1));
      if (result.ok() && result->exit_code == i && output.size() == 48894) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, kCommands);
}

// Stopping one of two commands leaves the other alone.
TEST_F(LauncherTest, AStopHitsOneCommandOnly) {
  StopToken other;
  std::string output;
  std::thread neighbour([&] {
    auto result = launcher_->Run(
        Shell("echo go; read x < /dev/null; exec sleep 1000"),
        [&](std::string_view bytes) {
          output.append(bytes);
          // Up and running: end the first command, and look at this one afterwards.
          stop_.Stop(StopReason::kCancelled);
          return absl::OkStatus();
        },
        other, absl::InfiniteFuture(), absl::Seconds(60));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->end, End::kTimedOut);
  });
  auto result = Run("exec sleep 1000");
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->end, End::kCancelled);
  other.Stop(StopReason::kTimedOut);
  neighbour.join();
}

// A launcher that would be forked off a process with threads is refused: its copy of their locks would be stuck.
TEST(StartLauncherTest, RefusesWhenThereAreThreads) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  std::thread waiting([&] {
    char byte;
    EXPECT_EQ(::read(ends[0], &byte, 1), 0);
  });
  EXPECT_EQ(StartLauncher().status().code(), absl::StatusCode::kFailedPrecondition);
  ::close(ends[1]);
  waiting.join();
  ::close(ends[0]);
  EXPECT_TRUE(StartLauncher().ok());
}

}  // namespace
}  // namespace wasmagent::sandbox
