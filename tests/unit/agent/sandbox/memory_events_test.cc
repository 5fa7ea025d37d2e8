#include "agent/sandbox/memory_events.h"

#include "tests/unit/agent/sandbox/fake_machine.h"

namespace wasmagent::sandbox {
namespace {

// v2 counts in memory.events, and the count is read anew each time.
TEST(OomKillCounter, Version2) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "0::/a\n");
  machine.Put("/sys/fs/cgroup/cgroup.controllers", "");
  machine.Put("/sys/fs/cgroup/a/memory.events", "low 0\nhigh 5\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n");
  OomKillCounter counter = OomKillCounter::Find(machine.root());
  EXPECT_EQ(counter.Read(), 1u);
  machine.Put("/sys/fs/cgroup/a/memory.events", "oom 3\noom_kill 2\n");
  EXPECT_EQ(counter.Read(), 2u);
}

// v1 counts in memory.oom_control.
TEST(OomKillCounter, Version1) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "4:memory:/docker/x\n0::/\n");
  machine.Put("/sys/fs/cgroup/memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  EXPECT_EQ(OomKillCounter::Find(machine.root()).Read(), 3u);
}

// Where no group counts, the machine does; where nothing does, the count stays 0.
TEST(OomKillCounter, TheMachineAndNothing) {
  FakeMachine machine;
  EXPECT_EQ(OomKillCounter::Find(machine.root()).Read(), 0u);
  machine.Put("/proc/vmstat", "nr_free_pages 12\noom_kill 4\n");
  EXPECT_EQ(OomKillCounter::Find(machine.root()).Read(), 4u);
}

}  // namespace
}  // namespace wasmagent::sandbox
