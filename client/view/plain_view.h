// Lines for a pipe or a log file: steps, their output, diagnostics are in the output already.
#pragma once

#include <map>

#include "client/view/build_view.h"

namespace wasmagent::client {

class PlainView : public BuildView {
 public:
  // Borrows the stream.
  explicit PlainView(std::FILE* out) : out_(out) {}
  void Note(const std::string& text) override;
  void Event(const wasmagent::v1::BuildEvent& event) override;

 private:
  void Line(const std::string& text);

  std::FILE* out_;
  bool at_line_start_ = true;  // the log may stop in the middle of a line
  std::map<uint32_t, std::string> steps_;
  std::string queue_line_;
};

}  // namespace wasmagent::client
