// Text as protobuf's string fields take it.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::content {

// Length of the longest front part that is valid UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. A
// message with a string field that is not cannot be parsed.
size_t Utf8Prefix(std::string_view text);
inline bool IsUtf8(std::string_view text) { return Utf8Prefix(text) == text.size(); }

// The text with U+FFFD in the place of each byte that belongs to no character: Latin-1, or half of what was cut.
std::string ToUtf8(std::string_view text);

}  // namespace wasmagent::content
