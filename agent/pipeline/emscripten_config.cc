#include "agent/pipeline/emscripten_config.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace wasmagent::pipeline {
namespace {

constexpr char kFolderName[] = "emsdk_path";

bool IsNameCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Reads one line from its start.
class LineReader {
 public:
  LineReader(std::string_view line, const std::map<std::string, std::string>& values) : rest_(line), values_(values) {}

  // "NAME =", and nothing before it.
  std::optional<std::string> Name() {
    const std::string name = Word();
    if (name.empty() || !Take('=')) return std::nullopt;
    return name;
  }

  // What stands behind the "=", up to the line's end or a comment.
  std::optional<std::string> Value() {
    if (Take('[')) {
      auto first = Sum();
      if (!first.has_value() || (!Take(',') && !Take(']'))) return std::nullopt;
      return first;
    }
    auto sum = Sum();
    SkipBlanks();
    if (!rest_.empty() && rest_[0] != '#') return std::nullopt;
    return sum;
  }

 private:
  void SkipBlanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size())); }

  bool Take(char c) {
    SkipBlanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string Word() {
    size_t length = 0;
    while (length < rest_.size() && IsNameCharacter(rest_[length])) ++length;
    std::string word(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return word;
  }

  std::optional<std::string> Sum() {
    std::string sum;
    do {
      auto term = Term();
      if (!term.has_value()) return std::nullopt;
      sum += *term;
    } while (Take('+'));
    return sum;
  }

  std::optional<std::string> Term() {
    SkipBlanks();
    if (rest_.empty()) return std::nullopt;
    if (rest_[0] == '\'' || rest_[0] == '"') return Quoted();
    std::string word = Word();
    if (word == "True" || word == "False" || word == "None") return word;
    const auto known = values_.find(word);
    if (known == values_.end()) return std::nullopt;
    return known->second;
  }

  std::optional<std::string> Quoted() {
    const char quote = rest_[0];
    std::string text;
    for (size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == quote) {
        rest_.remove_prefix(i + 1);
        return text;
      }
      // Paths of this system have no other use for it than before a quote or another one.
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      text += rest_[i];
    }
    return std::nullopt;
  }

  std::string_view rest_;
  const std::map<std::string, std::string>& values_;
};

}  // namespace

std::map<std::string, std::string> ParseEmscriptenConfig(std::string_view text, const std::string& folder) {
  std::map<std::string, std::string> values = {{kFolderName, folder}};
  while (!text.empty()) {
    const size_t end = text.find('\n');
    LineReader line(text.substr(0, end), values);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto name = line.Name();
    if (!name.has_value() || *name == kFolderName) continue;
    auto value = line.Value();
    if (value.has_value()) values[*name] = *std::move(value);
  }
  return values;
}

}  // namespace wasmagent::pipeline
