// The output of a step as lines, however it is cut.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace wasmagent::pipeline {

// Splits output into lines as a terminal would show them. One for each step; used by one thread. Costs one line of at
// most 4 KiB.
class OutputLines {
 public:
  // Called with a plain line, which is gone afterwards.
  using Sink = std::function<void(std::string_view line)>;

  // Hands on the lines that are complete with these bytes.
  void Feed(std::string_view bytes, const Sink& sink);
  // Hands on a last line without an end.
  void Finish(const Sink& sink);

 private:
  void Append(std::string_view part);
  void End(const Sink& sink);

  std::string line_;
};

// The line as a terminal would show it: without escape sequences, and of text overwritten after a carriage return only
// the last.
std::string PlainLine(std::string_view line);

}  // namespace wasmagent::pipeline
