#include "agent/pipeline/failure_cause.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "agent/pipeline/missing_library.h"
#include "agent/pipeline/output_lines.h"
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

// The process that was killed, or gave up, as far as the line says it: "Killed signal terminated program cc1plus",
// "sh: line 1: 1234 Killed   clang -c a.c", "cc1: out of memory allocating 65536 bytes", "make: *** [Makefile:3: a.o]
// Killed", "clang: error: unable to execute command: Killed".
std::string Victim(std::string_view line) {
  constexpr std::string_view kProgram = "terminated program ";
  if (size_t at = line.find(kProgram); at != std::string_view::npos)
    return std::string(line.substr(at + kProgram.size()));
  constexpr std::string_view kKilled = " Killed ";
  if (size_t at = line.find(kKilled); at != std::string_view::npos) {
    line.remove_prefix(std::min(line.size(), line.find_first_not_of(' ', at + kKilled.size())));
    return std::string(line.substr(0, line.find(' ')));
  }
  std::string_view front = line.substr(0, line.find(": "));
  if (front.size() == line.size() || front.find(' ') != std::string_view::npos) return "";
  if (size_t recipe = line.find(": *** ["); recipe != std::string_view::npos) {
    line.remove_prefix(recipe + 7);
    line = line.substr(0, line.find(']'));
    if (size_t space = line.rfind(' '); space != std::string_view::npos) line.remove_prefix(space + 1);
    return fmt::format("the recipe of {}", line);
  }
  return std::string(front);
}

std::optional<FailureCause> OutOfMemory(const FailedStep& step) {
  const bool counted = step.result.end == CommandResult::End::kOutOfMemory;
  auto line = LastLineWith(step.log_tail, {"virtual memory exhausted", "out of memory", "Cannot allocate memory",
                                           "Killed signal terminated program", "std::bad_alloc"});
  // Without the kernel's word a message of the log is enough; a bare KILL is no more than a suspicion.
  const bool suspected = !counted && !line && step.result.signal == 9;
  if (!counted && !line && !suspected) return std::nullopt;
  if (!line) line = LastLineWith(step.log_tail, {" Killed ", "command: Killed"});
  if (!line) line = LastLineWith(step.log_tail, {"Killed", "signal 9"});
  FailureCause cause;
  cause.summary = fmt::format("{}: {}", StepName(step),
                              suspected ? "killed (signal 9), perhaps because memory ran out" : "out of memory");
  if (std::string victim = line ? Victim(*line) : ""; !victim.empty()) cause.summary += fmt::format(" ({})", victim);
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

// What Emscripten would have to build or fetch first.
std::optional<FailureCause> PortNotMade(const FailedStep& step) {
  const auto& port = step.signs.port();
  if (!port.has_value()) return std::nullopt;
  const Library* library = step.signs.libraries().OfPort(port->name);
  const std::string name = library != nullptr ? library->name : port->name.empty() ? "a library" : port->name;
  const std::string shown = port->name.empty() ? "LIBRARY" : port->name;
  FailureCause cause;
  cause.excerpt = port->line + "\n";
  switch (port->why) {
    case MissingPort::Why::kReadOnlyCache:
      cause.summary = fmt::format("{}: {} is not in Emscripten's cache, which cannot be written", StepName(step), name);
      cause.advice = fmt::format(
          "build it into the cache where the agent runs (embuilder build {}), or give the agent a "
          "cache that can be written (FROZEN_CACHE = False)",
          shown);
      break;
    case MissingPort::Why::kNoNetwork:
      cause.summary = fmt::format("{}: the source of Emscripten's port {} cannot be fetched", StepName(step), name);
      cause.advice = fmt::format(
          "builds have no network: build the port into the cache where the agent runs (embuilder "
          "build {})",
          shown);
      break;
    case MissingPort::Why::kUnknown:
      cause.summary = fmt::format("{}: this Emscripten has no port {}", StepName(step), name);
      cause.advice = "emcc --show-ports lists those that it has; build the library as a target of its own otherwise";
      break;
  }
  return cause;
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

// Adds what the lines of a cause show: a library that is missing, something that the target cannot do.
void AddWhatIsShown(const FailedStep& step, FailureCause& cause) {
  std::string shown;
  for (std::string_view line : Lines(cause.excerpt)) {
    auto diagnostic = RecogniseLine(line);
    auto missing = diagnostic ? MissingInError(diagnostic->text, step.signs.libraries()) : std::nullopt;
    if (!missing) missing = MissingPackageIn(line, step.signs.libraries());
    if (missing) shown = AdviceFor(*missing, step.signs.toolchain());
    if (const Limitation* found = step.signs.limitations().Find(step.signs.toolchain(), line)) shown = found->Advice();
  }
  // CMake tells of a package in the error itself.
  if (auto missing = MissingPackageIn(cause.summary, step.signs.libraries())) {
    shown = AdviceFor(*missing, step.signs.toolchain());
  }
  if (const Limitation* found = step.signs.limitations().Find(step.signs.toolchain(), cause.summary)) {
    shown = found->Advice();
  }
  if (!shown.empty()) cause.advice = cause.advice.empty() ? shown : fmt::format("{}; {}", shown, cause.advice);
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
  AddWhatIsShown(step, cause);
  return cause;
}

// The first error of a compiler or linker that is no consequence of another.
const ErrorWithSource* FirstCause(const FailedStep& step) {
  const auto& first = step.diagnostics.first_error();
  return first.has_value() && !first->diagnostic.consequence ? &*first : nullptr;
}

std::optional<FailureCause> CompilerError(const FailedStep& step) {
  const ErrorWithSource* first = FirstCause(step);
  if (first == nullptr) return std::nullopt;
  FailureCause cause;
  cause.summary = fmt::format("{}: {}{}", StepName(step), Place(first->diagnostic), first->diagnostic.text);
  for (const std::string& line : first->source) cause.excerpt += line + "\n";
  if (uint64_t others = step.diagnostics.errors(); others > 1) {
    cause.advice = fmt::format("it is the first of {} errors; the log has the others", others);
  }
  AddWhatIsShown(step, cause);
  return cause;
}

std::optional<FailureCause> LibraryNotFound(const FailedStep& step) {
  const ErrorWithSource* first = FirstCause(step);
  auto missing = first ? MissingInError(first->diagnostic.text, step.signs.libraries()) : std::nullopt;
  if (!missing) return std::nullopt;
  FailureCause cause;
  cause.summary = fmt::format("{}: {} is missing: {}{}", StepName(step), missing->name, Place(first->diagnostic),
                              first->diagnostic.text);
  for (const std::string& line : first->source) cause.excerpt += line + "\n";
  cause.advice = AdviceFor(*missing, step.signs.toolchain());
  return cause;
}

std::optional<FailureCause> PackageNotFound(const FailedStep& step) {
  const auto& package = step.signs.package();
  if (!package.has_value()) return std::nullopt;
  // An error that pkg-config has nothing to do with is the better explanation, and comes before this one.
  return FailureCause{fmt::format("{}: {} is missing", StepName(step), package->missing.name),
                      AdviceFor(package->missing, step.signs.toolchain()), package->line + "\n"};
}

std::optional<FailureCause> NotPossible(const FailedStep& step) {
  const auto& shown = step.signs.limitation();
  if (!shown.has_value()) return std::nullopt;
  return FailureCause{fmt::format("{}: {}", StepName(step), shown->line), shown->limitation->Advice(),
                      LastLines(step.log_tail, kTailLines)};
}

std::optional<FailureCause> Consequence(const FailedStep& step) {
  const auto& first = step.diagnostics.first_error();
  if (!first.has_value()) return std::nullopt;
  return FailureCause{fmt::format("{}: {}{}", StepName(step), Place(first->diagnostic), first->diagnostic.text), "",
                      LastLines(step.log_tail, kTailLines)};
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
  for (auto explain : {OutOfMemory, DiskFull, MissingProgram, PortNotMade, FailedConfigure, LibraryNotFound,
                       CompilerError, PackageNotFound, NotPossible, Consequence}) {
    if (auto cause = explain(step)) return *std::move(cause);
  }
  return ExitCode(step);
}

}  // namespace wasmagent::pipeline
