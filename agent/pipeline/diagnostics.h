// Messages of compilers, linkers, make, configure and CMake, recognised in the lines of a step's output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::pipeline {

enum class Severity { kNote, kWarning, kError };

// One message.
struct Diagnostic {
  std::string file;     // as the program wrote it; empty when the message names none
  uint32_t line = 0;    // from 1; 0 when there is none
  uint32_t column = 0;  // from 1; 0 when there is none
  Severity severity = Severity::kError;
  std::string text;          // begins with the program's name where there is no file: "wasm-ld: undefined symbol: f"
  bool consequence = false;  // says only that something else failed: "make: *** [a.o] Error 1"
};

// An error and the source and caret lines that the compiler printed below it.
struct ErrorWithSource {
  Diagnostic diagnostic;
  std::vector<std::string> source;
};

// Recognises messages in the plain lines of OutputLines. One for each step; used by one thread. Costs the first error.
class DiagnosticRecogniser {
 public:
  // The messages that are complete with this line.
  std::vector<Diagnostic> Take(std::string_view line);
  // A message, if any, that waited for more lines. The step is over.
  std::vector<Diagnostic> Finish();

  // The first error that is no consequence of another, else the first one.
  const std::optional<ErrorWithSource>& first_error() const {
    return first_cause_.has_value() ? first_cause_ : first_consequence_;
  }
  uint64_t errors() const { return errors_; }
  uint64_t warnings() const { return warnings_; }

 private:
  bool ContinueCMakeError(std::string_view line, std::vector<Diagnostic>& found);
  void Keep(const Diagnostic& diagnostic);
  void KeepSource(std::string_view line);

  std::optional<Diagnostic> cmake_error_;  // waits for the line with its text
  std::optional<ErrorWithSource> first_cause_;
  std::optional<ErrorWithSource> first_consequence_;
  bool takes_source_ = false;                 // the line before was the first error, or belonged to it
  std::optional<std::string> unsure_source_;  // source if a caret line follows: old clang indents nothing
  uint64_t errors_ = 0;
  uint64_t warnings_ = 0;
};

// Recognises one line without its end and without escape sequences.
std::optional<Diagnostic> RecogniseLine(std::string_view line);

}  // namespace wasmagent::pipeline
