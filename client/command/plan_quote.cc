#include "client/command/plan_quote.h"

#include "platform/shell_quote.h"

namespace wasmagent::client {

std::string QuotePlanWord(std::string_view word) {
  constexpr std::string_view kRoot = "$SRC";
  std::string quoted;
  while (true) {
    size_t at = word.find(kRoot);
    std::string_view before = word.substr(0, at);
    if (!before.empty() || (at == std::string_view::npos && quoted.empty())) quoted += platform::QuoteWord(before);
    if (at == std::string_view::npos) return quoted;
    quoted += "\"$SRC\"";
    word.remove_prefix(at + kRoot.size());
  }
}

}  // namespace wasmagent::client
