#include "agent/pipeline/output_lines.h"

#include <algorithm>

namespace wasmagent::pipeline {
namespace {

// Of a longer line only this much is looked at: messages have their place at its front, and minified code is not one.
constexpr size_t kLineBytes = 4096;

}  // namespace

std::string PlainLine(std::string_view line) {
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (size_t over = line.rfind('\r'); over != std::string_view::npos) line.remove_prefix(over + 1);
  std::string plain;
  plain.reserve(line.size());
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\x1b') {
      plain.push_back(line[i]);
      continue;
    }
    char kind = i + 1 < line.size() ? line[i + 1] : '\0';
    ++i;
    if (kind == '[') {  // to the letter that ends it: "\e[01;31m", "\e[K"
      while (++i < line.size() && (line[i] < '@' || line[i] > '~')) {
      }
    } else if (kind == ']') {  // a link or title, to BEL or ESC backslash
      while (++i < line.size() && line[i] != '\a' && line[i] != '\x1b') {
      }
      if (i < line.size() && line[i] == '\x1b') ++i;
    }
  }
  return plain;
}

void OutputLines::Feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    size_t end = bytes.find('\n');
    Append(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    End(sink);
    bytes.remove_prefix(end + 1);
  }
}

void OutputLines::Finish(const Sink& sink) {
  if (!line_.empty()) End(sink);
}

void OutputLines::Append(std::string_view part) {
  line_.append(part.substr(0, kLineBytes - std::min(line_.size(), kLineBytes)));
}

void OutputLines::End(const Sink& sink) {
  std::string line = PlainLine(line_);
  line_.clear();
  sink(line);
}

}  // namespace wasmagent::pipeline
