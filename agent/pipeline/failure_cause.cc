#include "agent/pipeline/failure_cause.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "fmt/format.h"

namespace wasmagent::pipeline {
namespace {

using sandbox::CommandResult;

// Lines of a log that are shown when nothing better was recognised.
constexpr size_t kTailLines = 20;

// Lines of config.log that are shown; the head of a long check and its end tell most.
constexpr size_t kConfigLines = 60;

// Of the program that configure tried, the lines after its standard head.
constexpr std::string_view kProgramHead = "end confdefs.h";

bool Contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string LastLines(std::string_view text, size_t count) {
  std::vector<std::string_view> lines = Lines(text);
  std::string joined;
  for (size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i) {
    joined += PlainLine(lines[i]) + "\n";
  }
  return joined;
}

// The last line of the log that holds one of these.
std::optional<std::string> LastLineWith(std::string_view log, std::initializer_list<std::string_view> parts) {
  std::vector<std::string_view> lines = Lines(log);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    for (std::string_view part : parts) {
      if (Contains(*line, part)) return PlainLine(*line);
    }
  }
  return std::nullopt;
}

std::string StepName(const FailedStep& step) {
  return step.target.empty() ? std::string(step.name) : fmt::format("{}: {}", step.target, step.name);
}

std::string Place(const Diagnostic& diagnostic) {
  std::string place = diagnostic.file;
  if (diagnostic.line != 0) place += fmt::format(":{}", diagnostic.line);
  if (diagnostic.column != 0) place += fmt::format(":{}", diagnostic.column);
  return place.empty() ? "" : place + ": ";
}

std::optional<FailureCause> OutOfMemory(const FailedStep& step) {
  const bool counted = step.result.end == CommandResult::End::kOutOfMemory;
  auto line = LastLineWith(step.log_tail, {"virtual memory exhausted", "out of memory", "Cannot allocate memory",
                                           "Killed signal terminated program", "std::bad_alloc"});
  // Without the kernel's word a message of the log is enough; a bare KILL is no more than a suspicion.
  const bool suspected = !counted && !line && step.result.signal == 9;
  if (!counted && !line && !suspected) return std::nullopt;
  if (!line) line = LastLineWith(step.log_tail, {"Killed", "signal 9"});
  FailureCause cause;
  cause.summary = fmt::format("{}: {}", StepName(step),
                              suspected ? "killed (signal 9), perhaps because memory ran out" : "out of memory");
  if (line) cause.excerpt = *line + "\n";
  if (step.result.peak_memory_bytes != 0) {
    cause.excerpt += fmt::format("largest process: {} MiB; jobs: {}\n", step.result.peak_memory_bytes >> 20, step.jobs);
  }
  cause.advice = step.jobs > 1 ? fmt::format("run fewer compilers at once: --jobs {}, or give the agent more memory",
                                             std::max(1, step.jobs / 2))
                               : "give the agent more memory: it ran one compiler at a time already";
  return cause;
}

std::optional<FailureCause> DiskFull(const FailedStep& step) {
  auto line = LastLineWith(step.log_tail, {"No space left on device", "Disk quota exceeded"});
  if (!line) return std::nullopt;
  return FailureCause{fmt::format("{}: the agent's disk is full", StepName(step)),
                      "free space on the agent (old workspaces and blobs), or give its state folder a larger disk",
                      *line + "\n", /*disk_full=*/true};
}

std::string_view Trimmed(std::string_view text, std::string_view of) {
  size_t begin = text.find_first_not_of(of);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(of) - begin + 1);
}

// The program in "sh: 1: PROGRAM: not found", "line 3: PROGRAM: command not found", "make: PROGRAM: No such file or
// directory", "env: 'PROGRAM': No such file or directory".
std::optional<std::string> MissingProgramIn(std::string_view line) {
  for (std::string_view end : {": command not found", ": not found", ": No such file or directory"}) {
    size_t at = line.find(end);
    if (at == std::string_view::npos) continue;
    std::string_view before = line.substr(0, at);
    size_t colon = before.rfind(": ");
    if (colon == std::string_view::npos) continue;
    std::string_view program = Trimmed(before.substr(colon + 2), "'`\"");
    if (!program.empty() && program.find(' ') == std::string_view::npos) return std::string(program);
  }
  return std::nullopt;
}

std::optional<FailureCause> MissingProgram(const FailedStep& step) {
  // "not found" alone is an ordinary answer of configure; the shell's exit code 127 makes it a missing program.
  if (step.result.exit_code != 127 && !Contains(step.log_tail, "Error 127")) return std::nullopt;
  std::vector<std::string_view> lines = Lines(step.log_tail);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    std::string plain = PlainLine(*line);
    auto program = MissingProgramIn(plain);
    if (!program) continue;
    return FailureCause{
        fmt::format("{}: {}: no such program on the agent", StepName(step), *program),
        fmt::format("install {} where the agent runs (in its image), or add its folder to PATH with --env", *program),
        plain + "\n"};
  }
  return std::nullopt;
}

// What follows "configure:NNNN: " in a line of config.log; empty otherwise.
std::string_view AfterLineNumber(std::string_view line) {
  constexpr std::string_view kStart = "configure:";
  if (!line.starts_with(kStart)) return "";
  size_t at = line.find_first_not_of("0123456789", kStart.size());
  if (at == std::string_view::npos || at == kStart.size() || line.substr(at, 2) != ": ") return "";
  return line.substr(at + 2);
}

// The lines of a check without the standard head of its test program, shortened in the middle.
std::string CheckLines(const std::vector<std::string_view>& lines, size_t begin, size_t end) {
  std::vector<std::string_view> kept;
  for (size_t i = begin; i < end; ++i) {
    if (lines[i].starts_with("| ") && Contains(lines[i], kProgramHead)) {
      // Everything quoted before this was the head.
      while (!kept.empty() && kept.back().starts_with("|")) kept.pop_back();
      continue;
    }
    kept.push_back(lines[i]);
  }
  std::string text;
  for (size_t i = 0; i < kept.size(); ++i) {
    if (kept.size() > kConfigLines && i == kConfigLines / 2) {
      text += fmt::format("[{} lines left out]\n", kept.size() - kConfigLines);
      i += kept.size() - kConfigLines;
    }
    text += fmt::format("{}\n", kept[i]);
  }
  return text;
}

std::optional<FailureCause> FailedConfigure(const FailedStep& step) {
  if (step.kind != StepKind::kConfigure || !step.read_config_log) return std::nullopt;
  auto text = step.read_config_log();
  if (!text.ok()) return std::nullopt;  // CMake writes none; what is in the log will do
  ConfigureFailure failure = ReadConfigLog(*text);
  const auto& first = step.diagnostics.first_error();
  constexpr std::string_view kPrefix = "configure: ";
  if (failure.message.empty() && first.has_value() && first->diagnostic.text.starts_with(kPrefix)) {
    failure.message = first->diagnostic.text.substr(kPrefix.size());
  }
  if (failure.message.empty() && failure.check.empty()) return std::nullopt;
  FailureCause cause;
  cause.summary =
      fmt::format("{}: {}", StepName(step), failure.message.empty() ? "configure stopped" : failure.message);
  if (!failure.check.empty()) cause.summary += fmt::format(" (checking {})", failure.check);
  cause.excerpt = failure.excerpt;
  cause.advice = "the lines below are from config.log; the failing check's compiler messages say what is missing";
  return cause;
}

std::optional<FailureCause> CompilerError(const FailedStep& step) {
  const auto& first = step.diagnostics.first_error();
  if (!first.has_value()) return std::nullopt;
  const Diagnostic& diagnostic = first->diagnostic;
  FailureCause cause;
  cause.summary = fmt::format("{}: {}{}", StepName(step), Place(diagnostic), diagnostic.text);
  for (const std::string& line : first->source) cause.excerpt += line + "\n";
  if (diagnostic.consequence) cause.excerpt = LastLines(step.log_tail, kTailLines);
  if (uint64_t others = step.diagnostics.errors(); others > 1) {
    cause.advice = fmt::format("it is the first of {} errors; the log has the others", others);
  }
  return cause;
}

FailureCause ExitCode(const FailedStep& step) {
  std::string how = step.result.signal != 0 ? fmt::format("ended by signal {}", step.result.signal)
                                            : fmt::format("failed with exit code {}", step.result.exit_code);
  return {fmt::format("{}: {}", StepName(step), how), "", LastLines(step.log_tail, kTailLines)};
}

}  // namespace

ConfigureFailure ReadConfigLog(std::string_view text) {
  ConfigureFailure failure;
  std::vector<std::string_view> lines = Lines(text);
  constexpr std::string_view kError = "error: ";
  constexpr std::string_view kChecking = "checking ";
  // After the message come the dumps of variables, so the last message is looked for first, then the check before it.
  size_t end = lines.size();
  for (size_t i = lines.size(); i-- > 0;) {
    std::string_view rest = AfterLineNumber(lines[i]);
    if (!rest.starts_with(kError)) continue;
    end = i + 1;
    // "error: in `/folder':" only introduces the message.
    if (std::string_view message = rest.substr(kError.size());
        !message.starts_with("in `") && !message.starts_with("in '")) {
      failure.message = message;
      break;
    }
  }
  size_t begin = end;
  while (begin-- > 0) {
    std::string_view rest = AfterLineNumber(lines[begin]);
    if (!rest.starts_with(kChecking)) continue;
    failure.check = rest.substr(kChecking.size());
    break;
  }
  if (failure.check.empty() && failure.message.empty()) return failure;
  if (failure.check.empty()) begin = end > 1 ? end - 1 : 0;
  failure.excerpt = CheckLines(lines, begin, end);
  return failure;
}

FailureCause ExplainFailure(const FailedStep& step) {
  if (step.result.end == CommandResult::End::kTimedOut) {
    return {fmt::format("{}: time ran out", StepName(step)), "allow more time with --timeout",
            LastLines(step.log_tail, kTailLines)};
  }
  if (step.result.end == CommandResult::End::kCancelled) return {fmt::format("{}: cancelled", StepName(step)), "", ""};
  for (auto explain : {OutOfMemory, DiskFull, MissingProgram, FailedConfigure, CompilerError}) {
    if (auto cause = explain(step)) return *std::move(cause);
  }
  return ExitCode(step);
}

}  // namespace wasmagent::pipeline
