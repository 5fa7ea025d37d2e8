// Messages of compilers, linkers, make, configure and CMake, recognised in the output of a step as it streams by.
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

// Splits output into lines wherever it is cut, takes colours out, and recognises messages. One for each step; used by
// one thread. Costs one line of at most 4 KiB and the first error.
class DiagnosticRecogniser {
 public:
  // The messages that are complete with these bytes.
  std::vector<Diagnostic> Feed(std::string_view bytes);
  // The message, if any, of a last line without an end. The step is over.
  std::vector<Diagnostic> Finish();

  // The first error that is no consequence of another, else the first one.
  const std::optional<ErrorWithSource>& first_error() const {
    return first_cause_.has_value() ? first_cause_ : first_consequence_;
  }
  uint64_t errors() const { return errors_; }
  uint64_t warnings() const { return warnings_; }

 private:
  void AppendToLine(std::string_view part);
  void EndLine(std::vector<Diagnostic>& found);
  bool ContinueCMakeError(std::string_view line, std::vector<Diagnostic>& found);
  void Keep(const Diagnostic& diagnostic);
  void KeepSource(std::string_view line);

  std::string line_;
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

// The line as a terminal would show it: without escape sequences, and of text overwritten after a carriage return only
// the last.
std::string PlainLine(std::string_view line);

}  // namespace wasmagent::pipeline
