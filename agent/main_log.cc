#include "agent/main_log.h"

#include <string_view>

#include "content/utf8.h"
#include "fmt/format.h"
#include "spdlog/pattern_formatter.h"

namespace wasmagent::agent {
namespace {

// %* of the pattern: the message as the inside of a JSON string. Messages quote paths and what programs print, of
// several lines and in any encoding.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&, spdlog::memory_buf_t& out) override {
    std::string text = content::ToUtf8(std::string_view(message.payload.data(), message.payload.size()));
    std::string escaped;
    for (char c : text) {
      if (c == '"' || c == '\\') {
        escaped += '\\';
        escaped += c;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      } else {
        escaped += c;
      }
    }
    out.append(escaped.data(), escaped.data() + escaped.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<JsonMessage>(); }
};

}  // namespace

std::unique_ptr<spdlog::formatter> MakeLogFormatter(const std::string& log_format) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (log_format == "json") {
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","thread":%t,"message":"%*"})");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
  }
  return formatter;
}

}  // namespace wasmagent::agent
