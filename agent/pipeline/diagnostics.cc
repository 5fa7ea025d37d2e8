#include "agent/pipeline/diagnostics.h"

#include <array>
#include <charconv>
#include <utility>

namespace wasmagent::pipeline {
namespace {

// Source, caret and fix-it lines kept for the first error.
constexpr size_t kSourceLines = 6;

struct Marker {
  std::string_view text;
  Severity severity;
};

// "fatal error" stands before "error", which is part of it.
constexpr std::array<Marker, 7> kMarkers = {{{"fatal error: ", Severity::kError},
                                             {"internal compiler error: ", Severity::kError},
                                             {"error: ", Severity::kError},
                                             {"Error: ", Severity::kError},  // the assembler
                                             {"warning: ", Severity::kWarning},
                                             {"WARNING: ", Severity::kWarning},
                                             {"note: ", Severity::kNote}}};

// Takes ":<digits>" off the end of `text`.
std::optional<uint32_t> TakeNumber(std::string_view& text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data() + colon + 1, end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  text = text.substr(0, colon);
  return number;
}

std::string_view BaseName(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// "error: …" after "file:1:2: ", "file:1: " or "program: ", or at the front of the line.
std::optional<Diagnostic> RecogniseMarked(std::string_view line) {
  size_t at = std::string_view::npos;
  const Marker* marker = nullptr;
  for (const Marker& candidate : kMarkers) {
    size_t found = line.find(candidate.text);
    // The marker is a part of its own: after ": " or at the front.
    if (found == std::string_view::npos || found >= at) continue;
    if (found != 0 && (found < 3 || line.substr(found - 2, 2) != ": ")) continue;
    at = found;
    marker = &candidate;
  }
  if (marker == nullptr) return std::nullopt;
  Diagnostic diagnostic;
  diagnostic.severity = marker->severity;
  diagnostic.text = line.substr(at + marker->text.size());
  if (at == 0) return diagnostic;
  std::string_view place = line.substr(0, at - 2);
  auto last = TakeNumber(place);
  if (last.has_value()) {
    auto first = TakeNumber(place);
    diagnostic.line = first.value_or(*last);
    diagnostic.column = first.has_value() ? *last : 0;
    diagnostic.file = place;
    return diagnostic;
  }
  // A sentence that happens to hold the word is no message.
  if (place.find(' ') != std::string_view::npos) return std::nullopt;
  std::string_view program = BaseName(place);
  diagnostic.consequence = diagnostic.text.find("linker command failed") != std::string::npos ||
                           diagnostic.text.find("ld returned ") != std::string::npos;
  diagnostic.text = std::string(program) + ": " + diagnostic.text;
  return diagnostic;
}

// GNU ld: "ld: main.c:(.text+0x5): undefined reference to `f'", with or without "ld: " and a line number; "ld: cannot
// find -lx".
std::optional<Diagnostic> RecogniseGnuLinker(std::string_view line) {
  if (size_t at = line.find("ld: cannot find "); at != std::string_view::npos) {
    Diagnostic diagnostic;
    diagnostic.text = line.substr(at);
    return diagnostic;
  }
  for (std::string_view message : {": undefined reference to ", ": multiple definition of "}) {
    size_t at = line.find(message);
    if (at == std::string_view::npos) continue;
    std::string_view place = line.substr(0, at);
    if (size_t program = place.find("ld: "); program != std::string_view::npos) place.remove_prefix(program + 4);
    Diagnostic diagnostic;
    diagnostic.text = line.substr(at + 2);
    if (place.ends_with(')')) place = place.substr(0, place.rfind(":("));
    diagnostic.line = TakeNumber(place).value_or(0);
    diagnostic.file = place;
    return diagnostic;
  }
  return std::nullopt;
}

// "make[2]: *** [Makefile:12: a.o] Error 1", "gmake: *** No rule to make target 'x'.  Stop."
std::optional<Diagnostic> RecogniseMake(std::string_view line) {
  size_t at = line.find(": *** ");
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view program = BaseName(line.substr(0, at));
  program = program.substr(0, program.find('['));
  if (!program.ends_with("make")) {
    // A makefile's own $(error): "Makefile:3: *** text.  Stop."
    std::string_view place = line.substr(0, at);
    auto number = TakeNumber(place);
    if (!number.has_value() || place.find(' ') != std::string_view::npos) return std::nullopt;
    return Diagnostic{std::string(place), *number, 0, Severity::kError, std::string(line.substr(at + 6)), false};
  }
  Diagnostic diagnostic;
  std::string_view text = line.substr(at + 6);
  diagnostic.text = std::string(program) + ": " + std::string(text);
  diagnostic.consequence = text.starts_with('[') || text.starts_with("Waiting for");
  return diagnostic;
}

// "CMake Error at CMakeLists.txt:3 (find_package):", whose text follows, or "CMake Error: text".
std::optional<Diagnostic> RecogniseCMake(std::string_view line) {
  for (auto [start, severity] : {std::pair<std::string_view, Severity>{"CMake Error", Severity::kError},
                                 {"CMake Warning", Severity::kWarning}}) {
    if (!line.starts_with(start)) continue;
    std::string_view rest = line.substr(start.size());
    Diagnostic diagnostic;
    diagnostic.severity = severity;
    if (rest.starts_with(": ")) {
      diagnostic.text = rest.substr(2);
      return diagnostic;
    }
    if (!rest.starts_with(" at ")) return std::nullopt;
    std::string_view place = rest.substr(4);
    size_t function = place.find(" (");
    place = function == std::string_view::npos ? place.substr(0, place.rfind(':')) : place.substr(0, function);
    diagnostic.line = TakeNumber(place).value_or(0);
    diagnostic.file = place;
    return diagnostic;
  }
  return std::nullopt;
}

bool IsSourceLine(std::string_view line) {
  return !line.empty() && (line.front() == ' ' || line.front() == '\t' || line.front() == '|' ||
                           line.starts_with(">>> "));  // lld shows where a symbol is wanted
}

bool IsCaretLine(std::string_view line) {
  return line.find('^') != std::string_view::npos && line.find_first_not_of(" \t^~") == std::string_view::npos;
}

}  // namespace

std::optional<Diagnostic> RecogniseLine(std::string_view line) {
  if (line.starts_with("CMake ")) return RecogniseCMake(line);
  // A failing check's program, quoted by configure, and make's echo of a command are not messages.
  if (line.starts_with("| ")) return std::nullopt;
  if (auto found = RecogniseMake(line)) return found;
  if (auto found = RecogniseMarked(line)) return found;
  return RecogniseGnuLinker(line);
}

std::vector<Diagnostic> DiagnosticRecogniser::Finish() {
  std::vector<Diagnostic> found;
  if (cmake_error_.has_value()) {
    Keep(*cmake_error_);
    found.push_back(*std::exchange(cmake_error_, std::nullopt));
  }
  return found;
}

std::vector<Diagnostic> DiagnosticRecogniser::Take(std::string_view line) {
  std::vector<Diagnostic> found;
  if (cmake_error_.has_value() && ContinueCMakeError(line, found)) return found;
  auto diagnostic = RecogniseLine(line);
  if (!diagnostic.has_value()) {
    KeepSource(line);
    return found;
  }
  takes_source_ = false;
  unsure_source_.reset();
  if (line.starts_with("CMake ") && diagnostic->text.empty()) {
    cmake_error_ = std::move(diagnostic);
    return found;
  }
  Keep(*diagnostic);
  found.push_back(*std::move(diagnostic));
  return found;
}

// CMake's text is the next line with anything in it, indented. True when the line was that, or empty.
bool DiagnosticRecogniser::ContinueCMakeError(std::string_view line, std::vector<Diagnostic>& found) {
  size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return true;
  bool is_text = begin > 0;
  if (is_text) cmake_error_->text = line.substr(begin);
  Keep(*cmake_error_);
  found.push_back(*std::exchange(cmake_error_, std::nullopt));
  return is_text;
}

void DiagnosticRecogniser::Keep(const Diagnostic& diagnostic) {
  if (diagnostic.severity == Severity::kWarning) ++warnings_;
  if (diagnostic.severity != Severity::kError) return;
  ++errors_;
  auto& first = diagnostic.consequence ? first_consequence_ : first_cause_;
  if (first.has_value()) return;
  first = ErrorWithSource{diagnostic, {}};
  takes_source_ = !diagnostic.consequence;
}

void DiagnosticRecogniser::KeepSource(std::string_view line) {
  if (!takes_source_) return;
  std::vector<std::string>& source = first_cause_->source;
  if (unsure_source_.has_value()) {
    takes_source_ = IsCaretLine(line);
    if (takes_source_) source.push_back(*std::move(unsure_source_));
    unsure_source_.reset();
  } else if (!IsSourceLine(line)) {
    takes_source_ = source.empty();
    if (takes_source_) unsure_source_ = line;
    return;
  }
  takes_source_ = takes_source_ && source.size() < kSourceLines;
  if (takes_source_) source.emplace_back(line);
}

}  // namespace wasmagent::pipeline
