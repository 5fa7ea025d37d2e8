// The output of one step on its way to the journal: log bytes, the diagnostics that are recognised in them, and what
// else its lines tell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "agent/builds/live_build.h"
#include "agent/builds/log_recorder.h"
#include "agent/pipeline/compile_count.h"
#include "agent/pipeline/diagnostics.h"
#include "agent/pipeline/failure_signs.h"
#include "agent/pipeline/output_lines.h"

namespace wasmagent::builds {

// Lives for one step; used by the thread that runs it. Keeps 4 KiB of the end for an explanation.
class StepOutput {
 public:
  // `source` is the workspace's source root, `directory` the step's, relative to it: paths in diagnostics become
  // relative to the root. `toolchain` is the kind of the target's. With `whole_lines` the beginning of a line waits for
  // its end, up to 64 KiB: steps that run side by side share one log, which is to be read line by line.
  StepOutput(LiveBuild& build, LogRecorder& log, uint32_t step, std::string source, std::string directory,
             std::string toolchain, bool whole_lines = false)
      : build_(build),
        log_(log),
        step_(step),
        source_(std::move(source)),
        directory_(std::move(directory)),
        whole_lines_(whole_lines),
        signs_(std::move(toolchain)) {}

  absl::Status Take(std::string_view bytes);
  // The step has ended: what is held back goes out.
  absl::Status Finish();

  const pipeline::DiagnosticRecogniser& diagnostics() const { return recogniser_; }
  const pipeline::FailureSigns& signs() const { return signs_; }
  const pipeline::CompileCount& count() const { return count_; }
  std::string_view tail() const { return tail_; }

 private:
  absl::Status Record(std::string_view bytes);
  void TakeLine(std::string_view line, std::vector<pipeline::Diagnostic>& found);
  absl::Status Tell(const std::vector<pipeline::Diagnostic>& found);
  std::string InSource(const std::string& file) const;

  LiveBuild& build_;
  LogRecorder& log_;
  const uint32_t step_;
  const std::string source_;
  const std::string directory_;
  const bool whole_lines_;
  std::string line_;  // without its end, with whole_lines_
  pipeline::OutputLines lines_;
  pipeline::DiagnosticRecogniser recogniser_;
  pipeline::FailureSigns signs_;
  pipeline::CompileCount count_;
  std::string tail_;
  uint64_t told_ = 0;
};

}  // namespace wasmagent::builds
