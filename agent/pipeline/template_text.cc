#include "agent/pipeline/template_text.h"

#include "absl/status/status.h"
#include "fmt/format.h"

namespace wasmagent::pipeline {

absl::StatusOr<std::string> ExpandText(std::string_view text, const VariableLookup& lookup) {
  std::string result;
  size_t at = 0;
  while (at < text.size()) {
    const size_t open = text.find("${", at);
    if (open == std::string_view::npos) break;
    if (open > at && text[open - 1] == '$') {
      result.append(text.substr(at, open - 1 - at)).append("${");
      at = open + 2;
      continue;
    }
    result.append(text.substr(at, open - at));
    const size_t close = text.find('}', open);
    if (close == std::string_view::npos) {
      return absl::InvalidArgumentError(fmt::format("\"{}\" has a '${{' without its '}}'", text));
    }
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const std::optional<std::string> value = lookup(name);
    if (!value.has_value()) return absl::InvalidArgumentError(fmt::format("unknown variable ${{{}}}", name));
    result.append(*value);
    at = close + 1;
    if (value->empty() && at < text.size() && text[at] == ' ') ++at;
  }
  if (at < text.size()) result.append(text.substr(at));
  return result;
}

}  // namespace wasmagent::pipeline
