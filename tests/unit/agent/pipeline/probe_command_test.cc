#include "agent/pipeline/probe_command.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/unit/agent/pipeline/folder_tree.h"

namespace wasmagent::pipeline {
namespace {

constexpr char kPath[] = "/usr/bin:/bin";

// Rule: output of both kinds comes back, each for itself, and so does the exit code.
TEST(ProbeCommand, AnswersWithOutputAndCode) {
  const auto answer = AskProgram({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, kPath);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->exit_code, 3);
  EXPECT_EQ(answer->output, "out\n");
  EXPECT_EQ(answer->errors, "err\n");
  EXPECT_EQ(AskProgram({"/bin/sh", "-c", "kill -9 $$"}, kPath)->exit_code, 137);
  EXPECT_EQ(AskProgram({"/no/such/program"}, kPath).status().code(), absl::StatusCode::kNotFound);
}

// Rule: why a program failed is what it wrote to stderr, else to stdout; the loader's warning is not the reason.
TEST(ProbeCommand, ComplaintIsTheReason) {
  const std::string warning = "cc: /lib64/libtinfo.so.6: no version information available (required by cc)\n";
  EXPECT_EQ(ComplaintOf({1, "out\n", warning + "wrong ELF class\nmore\n"}), "wrong ELF class");
  EXPECT_EQ(ComplaintOf({1, "out\nmore\n", warning}), "out");
  EXPECT_EQ(ComplaintOf({1, "", ""}), "");
}

// Rule: nothing of this process's environment gets in.
TEST(ProbeCommand, EnvironmentIsBare) {
  ::setenv("WASMAGENT_SECRET", "x", 1);
  EXPECT_EQ(AskProgram({"/usr/bin/env"}, kPath)->output, "PATH=/usr/bin:/bin\nLC_ALL=C\n");
}

// Rule: a program that hangs is ended, with its children.
TEST(ProbeCommand, HangingIsEnded) {
  const ScratchFolder scratch;
  const auto answer =
      AskProgram({"/bin/sh", "-c", "sleep 1000 & echo $! > " + (scratch / "pid") + "; wait"}, kPath, absl::Seconds(1));
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kDeadlineExceeded);
  const pid_t child = std::atoi(scratch.Read("pid").c_str());
  ASSERT_GT(child, 0);
  // Killed: it is gone, or its end is waited for, since the signal may still be on its way.
  const int process = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (process < 0) return;
  pollfd ended = {process, POLLIN, 0};
  EXPECT_EQ(::poll(&ended, 1, 60000), 1);
  ::close(process);
}

// Rule: an answer ends when the program does, whoever still holds its pipe; and a flood of output is cut, not kept.
TEST(ProbeCommand, EndsWithItsProgram) {
  const absl::Time begin = absl::Now();
  EXPECT_EQ(AskProgram({"/bin/sh", "-c", "sleep 15 & echo done"}, kPath)->output, "done\n");
  EXPECT_LT(absl::Now() - begin, absl::Seconds(10));
  const auto flood = AskProgram({"/bin/sh", "-c", "head -c 1000000 /dev/zero; exec >&- 2>&-; exit 0"}, kPath);
  ASSERT_TRUE(flood.ok());
  EXPECT_EQ(flood->output.size(), 64u << 10);
  const auto errors = AskProgram({"/bin/sh", "-c", "head -c 1000000 /dev/zero >&2; echo done"}, kPath);
  ASSERT_TRUE(errors.ok());
  EXPECT_EQ(errors->errors.size(), 64u << 10);
  EXPECT_EQ(errors->output, "done\n");
}

// Rule: programs are found in order, and only if they can be run.
TEST(ProbeCommand, FindsPrograms) {
  const ScratchFolder scratch;
  scratch.Write("one/tool", "", false);
  scratch.Write("two/tool", "", true);
  std::filesystem::create_directories(scratch / "zero/tool");
  const std::string path = scratch / "zero" + ":relative:" + scratch / "one" + ":" + scratch / "two";
  EXPECT_EQ(FindProgram("tool", path), scratch / "two/tool");
  EXPECT_EQ(FindProgram("none", path), std::nullopt);
  EXPECT_EQ(FindProgram("tool", ""), std::nullopt);
}

// Rule: the first dotted number is the version.
TEST(ProbeCommand, FirstVersion) {
  EXPECT_EQ(FirstVersion("wasmtime-cli 13.0.0 (abc 1.2)"), "13.0.0");
  EXPECT_EQ(FirstVersion("wasmtime 27.0.0"), "27.0.0");
  EXPECT_EQ(FirstVersion("v8 on 24.0+m"), "24.0");
  EXPECT_EQ(FirstVersion("none 12"), "");
}

}  // namespace
}  // namespace wasmagent::pipeline
