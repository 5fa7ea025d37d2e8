// The output of one step on its way to the journal: log bytes, and the diagnostics that are recognised in them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "agent/builds/live_build.h"
#include "agent/builds/log_recorder.h"
#include "agent/pipeline/diagnostics.h"

namespace wasmagent::builds {

// Lives for one step; used by the thread that runs it. Keeps 4 KiB of the end for an explanation.
class StepOutput {
 public:
  // `source` is the workspace's source root, `directory` the step's, relative to it: paths in diagnostics become
  // relative to the root. With `whole_lines` the beginning of a line waits for its end, up to 64 KiB: steps that run
  // side by side share one log, which is to be read line by line.
  StepOutput(LiveBuild& build, LogRecorder& log, uint32_t step, std::string source, std::string directory,
             bool whole_lines = false)
      : build_(build),
        log_(log),
        step_(step),
        source_(std::move(source)),
        directory_(std::move(directory)),
        whole_lines_(whole_lines) {}

  absl::Status Take(std::string_view bytes);
  // The step has ended: what is held back goes out.
  absl::Status Finish();

  const pipeline::DiagnosticRecogniser& diagnostics() const { return recogniser_; }
  std::string_view tail() const { return tail_; }

 private:
  absl::Status Record(std::string_view bytes);
  absl::Status Tell(const std::vector<pipeline::Diagnostic>& found);
  std::string InSource(const std::string& file) const;

  LiveBuild& build_;
  LogRecorder& log_;
  const uint32_t step_;
  const std::string source_;
  const std::string directory_;
  const bool whole_lines_;
  std::string line_;  // without its end, with whole_lines_
  pipeline::DiagnosticRecogniser recogniser_;
  std::string tail_;
  uint64_t told_ = 0;
};

}  // namespace wasmagent::builds
