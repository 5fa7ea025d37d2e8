#include "agent/builds/step_output.h"

#include <algorithm>

#include "agent/pipeline/paths.h"
#include "platform/status.h"

namespace wasmagent::builds {
namespace {

// What an explanation may quote of the log's end.
constexpr size_t kTailBytes = 4096;
// What has no line end by then is no text, and waits no longer.
constexpr size_t kLongestLine = 65536;
// Diagnostics of one step that become events: a compiler that warns about every line of a million must not double the
// journal.
constexpr uint64_t kMostDiagnostics = 1000;

wasmagent::v1::Severity ToProto(pipeline::Severity severity) {
  switch (severity) {
    case pipeline::Severity::kError:
      return wasmagent::v1::SEVERITY_ERROR;
    case pipeline::Severity::kWarning:
      return wasmagent::v1::SEVERITY_WARNING;
    case pipeline::Severity::kNote:
      return wasmagent::v1::SEVERITY_NOTE;
  }
  return wasmagent::v1::SEVERITY_UNSPECIFIED;
}

}  // namespace

absl::Status StepOutput::Take(std::string_view bytes) {
  if (!whole_lines_) return Record(bytes);
  const size_t end = bytes.rfind('\n');
  if (end == std::string_view::npos && line_.size() + bytes.size() < kLongestLine) {
    line_ += bytes;
    return absl::OkStatus();
  }
  const std::string_view whole = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
  line_ += whole;
  RETURN_IF_ERROR(Record(line_));
  line_ = bytes.substr(whole.size());
  return absl::OkStatus();
}

absl::Status StepOutput::Record(std::string_view bytes) {
  RETURN_IF_ERROR(log_.Write(step_, bytes));
  tail_.append(bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes)));
  if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  std::vector<pipeline::Diagnostic> found;
  lines_.Feed(bytes, [&](std::string_view line) { TakeLine(line, found); });
  return Tell(found);
}

absl::Status StepOutput::Finish() {
  RETURN_IF_ERROR(Record(line_));
  line_.clear();
  RETURN_IF_ERROR(log_.EndStep(step_));
  std::vector<pipeline::Diagnostic> found;
  lines_.Finish([&](std::string_view line) { TakeLine(line, found); });
  for (pipeline::Diagnostic& diagnostic : recogniser_.Finish()) found.push_back(std::move(diagnostic));
  return Tell(found);
}

void StepOutput::TakeLine(std::string_view line, std::vector<pipeline::Diagnostic>& found) {
  for (pipeline::Diagnostic& diagnostic : recogniser_.Take(line)) found.push_back(std::move(diagnostic));
  signs_.Take(line);
  count_.Take(line);
}

absl::Status StepOutput::Tell(const std::vector<pipeline::Diagnostic>& found) {
  for (const pipeline::Diagnostic& diagnostic : found) {
    if (told_++ >= kMostDiagnostics) return absl::OkStatus();
    wasmagent::v1::BuildEvent event;
    auto* out = event.mutable_diagnostic();
    out->set_step(step_);
    out->set_file(InSource(diagnostic.file));
    out->set_line(diagnostic.line);
    out->set_column(diagnostic.column);
    out->set_severity(ToProto(diagnostic.severity));
    out->set_text(diagnostic.text);
    RETURN_IF_ERROR(build_.Emit(std::move(event)));
  }
  return absl::OkStatus();
}

std::string StepOutput::InSource(const std::string& file) const {
  if (file.starts_with(source_ + "/")) return file.substr(source_.size() + 1);
  if (file.empty() || file.starts_with('/')) return file;
  std::string path = pipeline::NormalPath(directory_ + "/" + file);
  return path.starts_with("../") ? file : path;
}

}  // namespace wasmagent::builds
