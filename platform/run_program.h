// Running a short program and reading what it prints.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wasmagent::platform {

struct ProgramResult {
  int exit_code = 0;  // 128 plus the signal's number when it was killed
  std::string out, err;
  // The last lines of what it said, stderr first, without the newline at the end.
  std::string Message() const;
};

struct ProgramOptions {
  // The program is killed after this.
  absl::Duration limit = absl::InfiniteDuration();
  // Bytes that are kept of each output; what is beyond is read and dropped: programs that loop in an error must not
  // fill the memory.
  size_t most_output = size_t{1} << 20;
  // "NAME=value" each; null for this program's own. Borrowed.
  const std::vector<std::string>* environment = nullptr;
};

// Runs argv[0], a path or a name to be found on PATH, without input and with no signal blocked, and waits for it and
// for the end of its output. DEADLINE_EXCEEDED after the limit.
absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& argv, const ProgramOptions& options = {});

}  // namespace wasmagent::platform
