#include "agent/sandbox/cpu_memory_limits.h"

#include "gmock/gmock.h"
#include "tests/unit/agent/sandbox/fake_machine.h"

namespace wasmagent::sandbox {
namespace {

using testing::HasSubstr;

void PutMemory(FakeMachine& machine) { machine.Put("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n"); }

// Without quota or limit the machine's own numbers count, and it is said that they do.
TEST(CpuMemoryLimits, NoLimits) {
  FakeMachine machine;
  PutMemory(machine);
  CpuMemoryLimits limits = ReadCpuMemoryLimits(machine.root(), 8);
  EXPECT_EQ(limits.cpus, 8);
  EXPECT_THAT(limits.cpus_reason, HasSubstr("8 from the CPUs that this process may run on"));
  EXPECT_EQ(limits.memory_bytes, uint64_t{16} << 30);
  EXPECT_THAT(limits.memory_reason, HasSubstr("16384 MiB is the machine's memory"));
}

// The smallest limit on the way up counts, not the own group's alone.
TEST(CpuMemoryLimits, AnAncestorsLimitCounts) {
  FakeMachine machine;
  PutMemory(machine);
  machine.Put("/proc/self/cgroup", "0::/pod/c\n");
  machine.Put("/sys/fs/cgroup/cgroup.controllers", "");
  machine.Put("/sys/fs/cgroup/pod/c/cpu.max", "400000 100000\n");
  machine.Put("/sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
  machine.Put("/sys/fs/cgroup/pod/c/memory.max", "max\n");
  machine.Put("/sys/fs/cgroup/pod/memory.max", "1073741824\n");
  CpuMemoryLimits limits = ReadCpuMemoryLimits(machine.root(), 8);
  EXPECT_EQ(limits.cpus, 2) << "one and a half CPUs keep two compilers busy";
  EXPECT_THAT(limits.cpus_reason, HasSubstr("2 from the CPU quota of"));
  EXPECT_THAT(limits.cpus_reason, HasSubstr("/pod/cpu.max (150000 of 100000 µs)"));
  EXPECT_EQ(limits.memory_bytes, uint64_t{1} << 30);
  EXPECT_THAT(limits.memory_reason, HasSubstr("1024 MiB from the memory limit of"));
}

// A quota above what the affinity allows changes nothing.
TEST(CpuMemoryLimits, AffinityBelowTheQuota) {
  FakeMachine machine;
  machine.Put("/proc/self/cgroup", "0::/\n");
  machine.Put("/sys/fs/cgroup/cgroup.controllers", "");
  machine.Put("/sys/fs/cgroup/cpu.max", "800000 100000\n");
  EXPECT_EQ(ReadCpuMemoryLimits(machine.root(), 2).cpus, 2);
}

// v1's files, in a container; -1 and a number near 2^63 mean that there is no limit.
TEST(CpuMemoryLimits, Version1) {
  FakeMachine machine;
  PutMemory(machine);
  machine.Put("/proc/self/cgroup", "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n");
  machine.Put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  machine.Put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  machine.Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CpuMemoryLimits limits = ReadCpuMemoryLimits(machine.root(), 8);
  EXPECT_EQ(limits.cpus, 1) << "half a CPU runs one job";
  EXPECT_EQ(limits.memory_bytes, uint64_t{16} << 30);
  machine.Put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  machine.Put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  limits = ReadCpuMemoryLimits(machine.root(), 8);
  EXPECT_EQ(limits.cpus, 8);
  EXPECT_EQ(limits.memory_bytes, uint64_t{512} << 20);
}

// This very machine gives an answer.
TEST(CpuMemoryLimits, ThisMachine) {
  CpuMemoryLimits limits = ReadCpuMemoryLimits();
  EXPECT_GE(limits.cpus, 1);
  EXPECT_GT(limits.memory_bytes, 0u);
  EXPECT_NE(limits.cpus_reason, "");
}

// Fewer jobs than CPUs where memory is short, at least one always.
TEST(UsefulJobs, MemoryBoundsThem) {
  CpuMemoryLimits limits;
  limits.cpus = 8;
  EXPECT_EQ(UsefulJobs(limits), 8) << "unknown memory bounds nothing";
  limits.memory_bytes = uint64_t{2} << 30;
  EXPECT_EQ(UsefulJobs(limits), 4);
  limits.memory_bytes = 1;
  EXPECT_EQ(UsefulJobs(limits), 1);
}

}  // namespace
}  // namespace wasmagent::sandbox
