#include "agent/sandbox/process_tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "gtest/gtest.h"

namespace wasmagent::sandbox {
namespace {

// Forks a child that forks `depth` more below it, each waiting for a signal; returns once all are there.
pid_t StartChain(int depth) {
  int ready[2];
  EXPECT_EQ(::pipe(ready), 0);
  pid_t first = ::fork();
  if (first == 0) {
    for (int i = 0; i < depth && ::fork() == 0; ++i) {
    }
    [[maybe_unused]] ssize_t written = ::write(ready[1], "x", 1);
    while (true) ::pause();
  }
  ::close(ready[1]);
  for (int i = 0; i <= depth; ++i) {
    char byte;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  }
  ::close(ready[0]);
  return first;
}

void ReapAll() {
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
}

// Every level is found, parents first; killing below the top leaves none, stopped ones included.
TEST(ProcessTree, FindsAndKillsAllLevels) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t first = StartChain(3);
  auto children = ChildrenOf(::getpid());
  ASSERT_EQ(children, std::vector<pid_t>{first});
  auto all = DescendantsOf(::getpid());
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0], first);
  EXPECT_EQ(CountRunning(all), 4u);
  ::kill(all[2], SIGSTOP);
  KillBelow(children);
  ReapAll();
  for (pid_t process : all) EXPECT_NE(::kill(process, 0), 0);
  EXPECT_TRUE(DescendantsOf(::getpid()).empty());
  EXPECT_EQ(CountRunning(all), 0u);
}

// A stopped process acts on TERM, for it is continued.
TEST(ProcessTree, TerminateReachesStoppedOnes) {
  pid_t child = StartChain(0);
  ::kill(child, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  Terminate({child});
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

// A zombie is a child, but does not run.
TEST(ProcessTree, ZombiesDoNotRun) {
  pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  auto children = ChildrenOf(::getpid());
  EXPECT_EQ(children, std::vector<pid_t>{child});
  EXPECT_EQ(CountRunning(children), 0u);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(ChildrenOf(child).empty());
}

}  // namespace
}  // namespace wasmagent::sandbox
