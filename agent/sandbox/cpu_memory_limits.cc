#include "agent/sandbox/cpu_memory_limits.h"

#include <sched.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "agent/sandbox/control_groups.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/parallel.h"

namespace wasmagent::sandbox {
namespace {

int64_t ReadNumber(const std::string& path) {
  auto text = platform::ReadFile(path);
  // "max" and an absent file are no limit.
  return text.ok() && !text->empty() && text->front() >= '0' && text->front() <= '9' ? std::atoll(text->c_str()) : -1;
}

// Lowers `limits` to a quota; a started CPU counts whole, for a build with half a CPU too needs one job.
void ApplyQuota(const std::string& file, int64_t quota, int64_t period, CpuMemoryLimits& limits) {
  if (quota <= 0 || period <= 0) return;
  int cpus = static_cast<int>(std::max<int64_t>(1, (quota + period - 1) / period));
  if (cpus >= limits.cpus) return;
  limits.cpus = cpus;
  limits.cpus_reason = fmt::format("{} from the CPU quota of {} ({} of {} µs)", cpus, file, quota, period);
}

void ReadQuotas(const std::string& root, CpuMemoryLimits& limits) {
  ControlGroup group = FindControlGroup("cpu", root);
  for (const std::string& folder : group.folders) {
    if (group.version == 1) {
      ApplyQuota(folder + "/cpu.cfs_quota_us", ReadNumber(folder + "/cpu.cfs_quota_us"),
                 ReadNumber(folder + "/cpu.cfs_period_us"), limits);
      continue;
    }
    auto text = platform::ReadFile(folder + "/cpu.max");
    if (!text.ok()) continue;  // the machine's root group has none
    std::istringstream words(*text);
    int64_t quota = 0;
    int64_t period = 0;
    if (words >> quota >> period) ApplyQuota(folder + "/cpu.max", quota, period, limits);
  }
}

uint64_t MachineMemory(const std::string& root) {
  auto text = platform::ReadFile(root + "/proc/meminfo");
  if (!text.ok()) return 0;
  std::istringstream lines(*text);
  std::string name;
  uint64_t kibibytes = 0;
  return lines >> name >> kibibytes && name == "MemTotal:" ? kibibytes * 1024 : 0;
}

void ReadMemory(const std::string& root, CpuMemoryLimits& limits) {
  limits.memory_bytes = MachineMemory(root);
  if (limits.memory_bytes != 0) {
    limits.memory_reason = fmt::format("{} MiB is the machine's memory", limits.memory_bytes >> 20);
  }
  ControlGroup group = FindControlGroup("memory", root);
  for (const std::string& folder : group.folders) {
    // v1 writes "no limit" as a number near 2^63, which no machine has.
    std::string file = folder + (group.version == 1 ? "/memory.limit_in_bytes" : "/memory.max");
    int64_t bytes = ReadNumber(file);
    if (bytes <= 0 || (limits.memory_bytes != 0 && static_cast<uint64_t>(bytes) >= limits.memory_bytes)) continue;
    limits.memory_bytes = static_cast<uint64_t>(bytes);
    limits.memory_reason = fmt::format("{} MiB from the memory limit of {}", limits.memory_bytes >> 20, file);
  }
}

}  // namespace

CpuMemoryLimits ReadCpuMemoryLimits(const std::string& root, int affinity_cpus) {
  CpuMemoryLimits limits;
  limits.cpus = affinity_cpus > 0 ? affinity_cpus : static_cast<int>(platform::UsableCpus());
  limits.cpus_reason = fmt::format("{} from the CPUs that this process may run on", limits.cpus);
  ReadQuotas(root, limits);
  ReadMemory(root, limits);
  return limits;
}

int UsefulJobs(const CpuMemoryLimits& limits, uint64_t bytes_per_job) {
  if (limits.memory_bytes == 0 || bytes_per_job == 0) return limits.cpus;
  return static_cast<int>(
      std::clamp<uint64_t>(limits.memory_bytes / bytes_per_job, 1, static_cast<uint64_t>(limits.cpus)));
}

}  // namespace wasmagent::sandbox
