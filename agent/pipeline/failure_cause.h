// Why a step failed, in words that name what to do.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "agent/pipeline/diagnostics.h"
#include "agent/pipeline/failure_signs.h"
#include "agent/pipeline/plan.h"
#include "agent/sandbox/command.h"

namespace wasmagent::pipeline {

// What is known of a step that has ended badly. Borrows; made for one call.
struct FailedStep {
  StepKind kind = StepKind::kRun;
  std::string_view name;
  std::string_view target;
  const sandbox::CommandResult& result;
  const DiagnosticRecogniser& diagnostics;
  const FailureSigns& signs;
  std::string_view log_tail;  // the last 4 KiB of its output
  int jobs = 1;
  // Reads config.log of the build dir; called at most once, and for configure steps alone.
  std::function<absl::StatusOr<std::string>()> read_config_log;
};

// What is told to the user.
struct FailureCause {
  std::string summary;  // one line: what failed, where
  std::string advice;   // what to do next; may be empty
  std::string excerpt;  // the lines that show it
  bool disk_full = false;
};

// Out of memory and a full disk come first, for they make compilers say anything; then a missing program, a port of
// Emscripten's that cannot be made, the failing configure check, a missing library, the first compiler error, what the
// target cannot do, and last the exit code with the end of the log. Where an error or a check shows what the target
// cannot do, the advice says so.
FailureCause ExplainFailure(const FailedStep& step);

// The failing check of a config.log: its name, configure's message, and its lines, quoted test program shortened.
struct ConfigureFailure {
  std::string check;
  std::string message;
  std::string excerpt;
};
ConfigureFailure ReadConfigLog(std::string_view text);

}  // namespace wasmagent::pipeline
