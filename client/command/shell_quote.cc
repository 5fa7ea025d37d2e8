#include "client/command/shell_quote.h"

namespace wasmagent::client {

std::string QuoteWord(std::string_view word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+./:,@%^";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string QuotePlanWord(std::string_view word) {
  constexpr std::string_view kRoot = "$SRC";
  std::string quoted;
  while (true) {
    size_t at = word.find(kRoot);
    std::string_view before = word.substr(0, at);
    if (!before.empty() || (at == std::string_view::npos && quoted.empty())) quoted += QuoteWord(before);
    if (at == std::string_view::npos) return quoted;
    quoted += "\"$SRC\"";
    word.remove_prefix(at + kRoot.size());
  }
}

}  // namespace wasmagent::client
