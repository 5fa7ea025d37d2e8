#include "content/utf8.h"

#include <cstdint>

namespace wasmagent::content {
namespace {

// Bytes of the character at the front, which is not ASCII; 0 when there is none.
size_t CharacterLength(std::string_view text) {
  auto byte = [&](size_t at) { return at < text.size() ? static_cast<uint8_t>(text[at]) : uint8_t{0}; };
  uint8_t c = byte(0);
  uint8_t next = byte(1);
  size_t length = c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  if ((c == 0xE0 && next < 0xA0) || (c == 0xED && next > 0x9F)) return 0;
  if ((c == 0xF0 && next < 0x90) || (c == 0xF4 && next > 0x8F)) return 0;
  return length;
}

}  // namespace

size_t Utf8Prefix(std::string_view text) {
  size_t valid = 0;
  while (valid < text.size()) {
    if (static_cast<uint8_t>(text[valid]) < 0x80) {
      ++valid;
      continue;
    }
    size_t length = CharacterLength(text.substr(valid));
    if (length == 0) break;
    valid += length;
  }
  return valid;
}

std::string ToUtf8(std::string_view text) {
  std::string result;
  while (true) {
    size_t valid = Utf8Prefix(text);
    result += text.substr(0, valid);
    if (valid == text.size()) return result;
    result += "\xef\xbf\xbd";
    text.remove_prefix(valid + 1);
  }
}

}  // namespace wasmagent::content
