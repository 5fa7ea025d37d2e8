#include "agent/sandbox/control_groups.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/sandbox/fake_machine.h"

namespace wasmagent::sandbox {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The own group comes first, then those above it: each may limit.
TEST(ControlGroups, Version2WithAncestors) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "0::/kubepods/pod1/c1\n");
  machine.Put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
  machine.Put("/sys/fs/cgroup/kubepods/pod1/c1/cpu.max", "max 100000\n");
  const std::string mount = machine.root() + "/sys/fs/cgroup";
  ControlGroup group = FindControlGroup("cpu", machine.root());
  EXPECT_EQ(group.version, 2);
  EXPECT_THAT(group.folders,
              ElementsAre(mount + "/kubepods/pod1/c1", mount + "/kubepods/pod1", mount + "/kubepods", mount));
}

// In a container with a cgroup namespace the group is the mount itself.
TEST(ControlGroups, Version2InANamespace) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "0::/\n");
  machine.Put("/sys/fs/cgroup/cgroup.controllers", "");
  EXPECT_THAT(FindControlGroup("memory", machine.root()).folders, ElementsAre(machine.root() + "/sys/fs/cgroup"));
}

// In a container without one the path is the host's, and its front is not there.
TEST(ControlGroups, Version1InAContainer) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "5:cpu,cpuacct:/docker/abc/sub\n4:memory:/docker/abc\n0::/\n");
  machine.Put("/sys/fs/cgroup/cpu/sub/cpu.cfs_quota_us", "-1");
  machine.Put("/sys/fs/cgroup/memory/memory.oom_control", "");
  const std::string mounts = machine.root() + "/sys/fs/cgroup";
  EXPECT_EQ(FindControlGroup("cpu", machine.root()).version, 1);
  EXPECT_THAT(FindControlGroup("cpu", machine.root()).folders, ElementsAre(mounts + "/cpu/sub", mounts + "/cpu"));
  EXPECT_THAT(FindControlGroup("memory", machine.root()).folders, ElementsAre(mounts + "/memory"));
}

// A controller's name is a whole word: "cpu" is not "cpuset". What is not there is not found, and breaks nothing.
TEST(ControlGroups, NothingThere) {
  FakeMachine machine;
  EXPECT_THAT(FindControlGroup("cpu", machine.root()).folders, IsEmpty());
  machine.Put("/proc/self/cgroup", "3:cpuset:/x\nrubbish\n\n:\n");
  machine.Put("/sys/fs/cgroup/cpuset/x/cpus", "0");
  EXPECT_THAT(FindControlGroup("cpu", machine.root()).folders, IsEmpty());
}

}  // namespace
}  // namespace wasmagent::sandbox
