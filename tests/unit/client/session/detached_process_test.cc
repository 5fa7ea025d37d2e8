#include "client/session/detached_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/client/session/scripts.h"

namespace wasmagent::client {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Minutes(1);

class DetachedProcessTest : public ::testing::Test {
 protected:
  absl::StatusOr<ProcessHandle> Start(const std::string& script) {
    return StartDetached({"/bin/sh", "-c", script}, folder_.path() + "/log");
  }
  // What a script that ends by itself has printed.
  std::string Said(const std::string& script) {
    (void)platform::RemoveTree(folder_.path() + "/log");
    auto process = Start(script);
    // One that has ended already cannot be opened any more.
    EXPECT_TRUE(process.ok() ? process->WaitForEnd(kLong) : absl::IsNotFound(process.status())) << process.status();
    return platform::ReadFile(folder_.path() + "/log").value_or("none");
  }

  ScriptFolder folder_;
};

// It has a session of its own, which it does not lead, and is no child of whoever started it.
TEST_F(DetachedProcessTest, StandsAlone) {
  auto process = Start("exec sleep 1000");
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_FALSE(process->HasEnded());
  pid_t session = ::getsid(process->pid());
  EXPECT_NE(session, ::getsid(0));
  EXPECT_NE(session, process->pid());
  EXPECT_EQ(::waitpid(process->pid(), nullptr, WNOHANG), -1);
  EXPECT_TRUE(process->Signal(SIGTERM).ok());
  EXPECT_TRUE(process->WaitForEnd(kLong));
  EXPECT_TRUE(process->HasEnded());
  EXPECT_TRUE(process->Signal(SIGTERM).ok()) << "what has ended needs no signal";
}

// It runs in "/", has no input, and what it prints goes behind what the log has.
TEST_F(DetachedProcessTest, PrintsIntoTheLog) {
  EXPECT_EQ(Said("pwd; cat; echo err >&2"), "/\nerr\n");
  ASSERT_TRUE(platform::WriteFileAtomically(folder_.path() + "/log", "before\n").ok());
  std::string gate = folder_.path() + "/gate";
  ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
  auto process = Start("read line < " + gate + "; echo $line");
  ASSERT_TRUE(process.ok()) << process.status();
  std::ofstream(gate) << "after\n";
  EXPECT_TRUE(process->WaitForEnd(kLong));
  EXPECT_EQ(platform::ReadFile(folder_.path() + "/log").value(), "before\nafter\n");
}

// Signals that the starting program ignores or blocks have their usual effect.
TEST_F(DetachedProcessTest, SignalsAreAsUsual) {
  auto before = ::signal(SIGPIPE, SIG_IGN);
  std::string said = Said("grep SigIgn /proc/self/status | cut -f2; grep SigBlk /proc/self/status | cut -f2");
  ::signal(SIGPIPE, before);
  size_t end = 0;
  uint64_t ignored = std::stoull(said, &end, 16);
  for (int signal : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGTERM, SIGCHLD}) EXPECT_EQ(ignored >> (signal - 1) & 1, 0U);
  EXPECT_EQ(std::stoull(said.substr(end), nullptr, 16), 0U) << said;
}

// It keeps none of the starting program's files open.
TEST_F(DetachedProcessTest, HoldsNoFiles) {
  int fds[2];
  ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
  platform::ScopedFd read_end(fds[0]), write_end(fds[1]);
  auto process = Start("exec sleep 1000");
  ASSERT_TRUE(process.ok()) << process.status();
  write_end.reset();
  char byte;
  EXPECT_EQ(::read(read_end.get(), &byte, 1), 0);
  EXPECT_TRUE(process->Signal(SIGKILL).ok());
  EXPECT_TRUE(process->WaitForEnd(kLong));
}

// What cannot be executed is an error that names it, and so is a log that cannot be written.
TEST_F(DetachedProcessTest, WhatCannotRunIsNamed) {
  std::string log = folder_.path() + "/log";
  absl::Status absent = StartDetached({"/no/such/program"}, log).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(absent.message()), HasSubstr("/no/such/program"));
  ASSERT_TRUE(platform::WriteFileAtomically(folder_.path() + "/text", "no program", 0644).ok());
  EXPECT_EQ(StartDetached({folder_.path() + "/text"}, log).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(StartDetached({"/bin/true"}, folder_.path() + "/no/log").status().code(), absl::StatusCode::kNotFound);
}

// A number that no process has is not found; one that lives is not waited for longer than was asked.
TEST_F(DetachedProcessTest, HandlesOfProcesses) {
  pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(ProcessHandle::Open(child).status().code(), absl::StatusCode::kNotFound);
  auto self = ProcessHandle::Open(::getpid());
  ASSERT_TRUE(self.ok()) << self.status();
  EXPECT_EQ(self->pid(), ::getpid());
  EXPECT_FALSE(self->WaitForEnd(absl::Milliseconds(1)));
  EXPECT_TRUE(self->Signal(0).ok());
}

}  // namespace
}  // namespace wasmagent::client
