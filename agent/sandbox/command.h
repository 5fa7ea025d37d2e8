// One command, contained: what to run, and how it ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace wasmagent::sandbox {

// Limits on each process of a command (setrlimit); 0 leaves a limit as it is.
struct ResourceLimits {
  uint64_t open_files = 0;
  uint64_t file_bytes = 0;
  uint64_t processes = 0;
  bool core_dumps = false;
};

// What to run. argv[0] is searched in PATH of `env` when it has no slash; relative to `directory` when it has one.
struct Command {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;  // the whole environment
  std::string directory;                   // absolute
  ResourceLimits limits;
};

// How a command ended.
struct CommandResult {
  enum class End { kExited, kSignalled, kCancelled, kTimedOut, kOutOfMemory };
  End end = End::kExited;
  int exit_code = 0;  // for kExited; 128 + signal otherwise
  int signal = 0;
  absl::Duration wall_time;
  absl::Duration cpu_time;         // user and system, all processes of the tree that were waited for
  uint64_t peak_memory_bytes = 0;  // largest resident size of one process
  uint64_t strays_killed = 0;      // processes that were left when the leader had ended
};

}  // namespace wasmagent::sandbox
