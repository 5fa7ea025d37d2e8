#include "agent/sandbox/launch_protocol.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "gtest/gtest.h"
#include "platform/file.h"

namespace wasmagent::sandbox {
namespace {

Command Sample() {
  Command command;
  command.argv = {"make", "", "-j2", std::string(200000, 'a')};
  command.env = {{"A", "1"}, {"B", ""}, {"C", "x=y"}};
  command.directory = "/src";
  command.limits = {.open_files = 1, .file_bytes = 2, .processes = 3, .core_dumps = true};
  return command;
}

// What is written is read back: empty and very long arguments, empty values, values with '=', limits.
TEST(LaunchProtocol, CommandsComeBack) {
  auto fd = EncodeCommand(Sample());
  ASSERT_TRUE(fd.ok()) << fd.status();
  auto command = DecodeCommand(fd->get());
  ASSERT_TRUE(command.ok()) << command.status();
  DecodedCommand moved = *std::move(command);
  ASSERT_EQ(moved.argv.size(), 5u);
  EXPECT_STREQ(moved.argv[0], "make");
  EXPECT_STREQ(moved.argv[1], "");
  EXPECT_EQ(std::string(moved.argv[3]).size(), 200000u);
  EXPECT_EQ(moved.argv[4], nullptr);
  ASSERT_EQ(moved.env.size(), 4u);
  EXPECT_STREQ(moved.env[1], "B=");
  EXPECT_STREQ(moved.env[2], "C=x=y");
  EXPECT_STREQ(moved.directory, "/src");
  EXPECT_EQ(moved.limits.processes, 3u);
  EXPECT_TRUE(moved.limits.core_dumps);
}

// A command that is cut anywhere is an error, never a read beyond its end.
TEST(LaunchProtocol, CutCommandsAreRefused) {
  Command command = Sample();
  command.argv = {"make"};
  auto whole = EncodeCommand(command);
  ASSERT_TRUE(whole.ok());
  auto size = ::lseek(whole->get(), 0, SEEK_END);
  for (off_t cut = size - 1; cut >= 0; --cut) {
    ASSERT_EQ(::ftruncate(whole->get(), cut), 0);
    EXPECT_FALSE(DecodeCommand(whole->get()).ok()) << cut;
  }
}

// A packet without the three descriptors is refused, and the end of the conversation is told apart from it.
TEST(LaunchProtocol, PacketsAreChecked) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  platform::ScopedFd sender(ends[0]);
  platform::ScopedFd receiver(ends[1]);
  ASSERT_TRUE(SendPacket(sender.get(), "L", 1));
  EXPECT_EQ(ReceiveLaunch(receiver.get()).status().code(), absl::StatusCode::kInternal);
  sender.reset();
  EXPECT_EQ(ReceiveLaunch(receiver.get()).status().code(), absl::StatusCode::kCancelled);
}

// A stop that the supervisor never read, because it had just said its last word, does not hide that word.
TEST(LaunchProtocol, TheLastPacketsArriveThoughOursWereNotRead) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  platform::ScopedFd agent(ends[0]);
  platform::ScopedFd supervisor(ends[1]);
  Report received = {};
  EXPECT_EQ(ReceivePacket(agent.get(), &received, sizeof(received)), Receipt::kNothingYet);
  StopRequest stop = {1000};
  ASSERT_TRUE(SendPacket(agent.get(), &stop, sizeof(stop)));
  for (ReportKind kind : {ReportKind::kLeaderEnded, ReportKind::kTreeEmpty}) {
    Report report = {};
    report.kind = kind;
    ASSERT_TRUE(SendPacket(supervisor.get(), &report, sizeof(report)));
  }
  supervisor.reset();
  for (ReportKind kind : {ReportKind::kLeaderEnded, ReportKind::kTreeEmpty}) {
    ASSERT_EQ(ReceivePacket(agent.get(), &received, sizeof(received)), Receipt::kPacket);
    EXPECT_EQ(received.kind, kind);
  }
  EXPECT_EQ(ReceivePacket(agent.get(), &received, sizeof(received)), Receipt::kEnd);
}

// Sending to nobody is an answer, not a signal.
TEST(LaunchProtocol, SendingToNobody) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  platform::ScopedFd sender(ends[0]);
  ::close(ends[1]);
  EXPECT_FALSE(SendPacket(sender.get(), "L", 1));
  LaunchFds fds{platform::ScopedFd(::dup(0)), platform::ScopedFd(::dup(0)), platform::ScopedFd(::dup(0))};
  EXPECT_EQ(SendLaunch(sender.get(), fds).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace wasmagent::sandbox
