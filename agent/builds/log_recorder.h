// Output of steps on its way into the journal.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "agent/builds/live_build.h"

namespace wasmagent::builds {

// Writes a build's log, whole up to a limit; beyond it only the last bytes are kept, in memory, and written when the
// step ends, with the number of bytes that were left out. One for each build; used by its slot alone.
class LogRecorder {
 public:
  LogRecorder(LiveBuild& build, uint64_t head_bytes, uint64_t tail_bytes)
      : build_(build), head_bytes_(head_bytes), tail_bytes_(tail_bytes), offset_(build.journal().log_offset()) {}

  absl::Status Write(uint32_t step, std::string_view bytes);
  // Writes what was kept of a log that is too long.
  absl::Status EndStep(uint32_t step);

 private:
  absl::Status Append(uint32_t step, std::string_view bytes, uint64_t omitted);

  LiveBuild& build_;
  const uint64_t head_bytes_;
  const uint64_t tail_bytes_;
  uint64_t offset_;       // of the next byte in the build's log
  uint64_t written_ = 0;  // bytes that went into the journal from the front
  std::string tail_;
  uint64_t omitted_ = 0;
};

}  // namespace wasmagent::builds
