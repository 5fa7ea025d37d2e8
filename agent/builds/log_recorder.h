// Output of steps on its way into the journal.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "agent/builds/live_build.h"

namespace wasmagent::builds {

// Writes a build's log, whole up to a limit; beyond it only the last bytes are kept, in memory, and written when the
// step ends, with the number of bytes that were left out. One for each build. Thread-safe: steps that run side by side
// share the limit, and each keeps its own last bytes.
class LogRecorder {
 public:
  LogRecorder(LiveBuild& build, uint64_t head_bytes, uint64_t tail_bytes)
      : build_(build), head_bytes_(head_bytes), tail_bytes_(tail_bytes), offset_(build.journal().log_offset()) {}

  absl::Status Write(uint32_t step, std::string_view bytes);
  // Writes what was kept of a log that is too long.
  absl::Status EndStep(uint32_t step);

 private:
  // What is kept of a step beyond the limit.
  struct Tail {
    std::string bytes;
    uint64_t omitted = 0;
  };
  absl::Status Append(uint32_t step, std::string_view bytes, uint64_t omitted) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  LiveBuild& build_;
  const uint64_t head_bytes_;
  const uint64_t tail_bytes_;
  absl::Mutex mutex_;
  uint64_t offset_ ABSL_GUARDED_BY(mutex_);       // of the next byte in the build's log
  uint64_t written_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes that went into the journal from the front
  std::map<uint32_t, Tail> tails_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace wasmagent::builds
