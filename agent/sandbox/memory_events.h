// The kernel's count of processes that it killed for want of memory.
#pragma once

#include <cstdint>
#include <string>

namespace wasmagent::sandbox {

// Reads how many processes of this process's control group the kernel has killed because memory ran out: memory.events
// of v2, memory.oom_control of v1, else /proc/vmstat for the whole machine. Immutable; a reading costs one small file.
class OomKillCounter {
 public:
  static OomKillCounter OfThisProcess() { return Find(""); }
  // `root` stands in front of /proc and /sys; for tests.
  static OomKillCounter Find(const std::string& root);
  // 0 where nothing counts.
  uint64_t Read() const;
  // The file that is read; empty when there is none.
  const std::string& file() const { return file_; }

 private:
  explicit OomKillCounter(std::string file) : file_(std::move(file)) {}
  std::string file_;
};

}  // namespace wasmagent::sandbox
