// Running a short program and reading what it prints.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace wasmagent::client {

struct ProgramResult {
  int exit_code = 0;  // 128 plus the signal's number when it was killed
  std::string out, err;
  // The last lines of what it said, stderr first, without the newline at the end.
  std::string Message() const;
};

// Runs argv[0], an absolute path, without input, and waits for it and for the end of its output. DEADLINE_EXCEEDED, the
// program killed, after `limit`.
absl::StatusOr<ProgramResult> RunProgram(const std::vector<std::string>& argv, absl::Duration limit);

// A command as a shell would take it, for messages.
std::string ShellText(const std::vector<std::string>& argv);

}  // namespace wasmagent::client
