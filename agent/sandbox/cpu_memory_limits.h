// What of this machine builds may use: in a container the quota, not the host.
#pragma once

#include <cstdint>
#include <string>

namespace wasmagent::sandbox {

// CPUs and memory, each with a sentence that says where the number is from.
struct CpuMemoryLimits {
  int cpus = 1;
  std::string cpus_reason;    // "2 from the CPU quota of /sys/fs/cgroup/cpu.max (200000 of 100000 µs)"
  uint64_t memory_bytes = 0;  // 0 when unknown
  std::string memory_reason;
};

// Reads the limits: affinity, CPU quota and memory limit of the own control group and of all above it, v1 or v2, and
// the machine's memory; the smallest of each counts. `root` stands in front of /proc and /sys and `affinity_cpus`, when
// positive, for the machine's answer; for tests.
CpuMemoryLimits ReadCpuMemoryLimits(const std::string& root = "", int affinity_cpus = 0);

// Compilers to run at once: the CPUs, or fewer when each would have less than `bytes_per_job`.
int UsefulJobs(const CpuMemoryLimits& limits, uint64_t bytes_per_job = uint64_t{512} << 20);

}  // namespace wasmagent::sandbox
