#include "client/checkout/ignore_rules.h"

#include <cctype>
#include <optional>

namespace wasmagent::client {
namespace {

bool InClass(std::string_view name, unsigned char c) {
  if (name == "alnum") return std::isalnum(c) != 0;
  if (name == "alpha") return std::isalpha(c) != 0;
  if (name == "blank") return c == ' ' || c == '\t';
  if (name == "cntrl") return std::iscntrl(c) != 0;
  if (name == "digit") return std::isdigit(c) != 0;
  if (name == "graph") return std::isgraph(c) != 0;
  if (name == "lower") return std::islower(c) != 0;
  if (name == "print") return std::isprint(c) != 0;
  if (name == "punct") return std::ispunct(c) != 0;
  if (name == "space") return std::isspace(c) != 0;
  if (name == "upper") return std::isupper(c) != 0;
  if (name == "xdigit") return std::isxdigit(c) != 0;
  return false;
}

// A character of a bracket expression, "\" taken away. Unset at the pattern's end.
std::optional<unsigned char> BracketCharacter(std::string_view pattern, size_t& at) {
  if (at < pattern.size() && pattern[at] == '\\') ++at;
  if (at >= pattern.size()) return std::nullopt;
  return static_cast<unsigned char>(pattern[at++]);
}

// Matches the bracket expression at pattern[at] == '[' and moves `at` behind it. Unset when it has no end: then nothing
// matches.
std::optional<bool> MatchBracket(std::string_view pattern, size_t& at, unsigned char c) {
  ++at;
  bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  bool matched = false;
  for (bool first = true; at < pattern.size() && (first || pattern[at] != ']'); first = false) {
    if (pattern.substr(at, 2) == "[:") {
      size_t end = pattern.find(":]", at + 2);
      if (end != std::string_view::npos) {
        matched |= InClass(pattern.substr(at + 2, end - at - 2), c);
        at = end + 2;
        continue;
      }
    }
    auto low = BracketCharacter(pattern, at);
    if (!low) return std::nullopt;
    auto high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      ++at;
      high = BracketCharacter(pattern, at);
      if (!high) return std::nullopt;
    }
    matched |= *low <= c && c <= *high;
  }
  if (at >= pattern.size()) return std::nullopt;
  ++at;
  return matched != negated && c != '/';
}

// Matches from pattern[at] == '*' on. `behind_slash`: the pattern's start or a slash comes before, as "**" needs it.
bool MatchStars(std::string_view pattern, size_t at, std::string_view path, bool behind_slash) {
  size_t end = pattern.find_first_not_of('*', at);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : pattern.substr(end);
  bool crosses = end != at + 1 && pattern.size() >= at + 2 && behind_slash && (rest.empty() || rest.front() == '/');
  if (crosses && rest.empty()) return true;
  if (crosses) {
    // "**/" stands for no folder too, and otherwise for whole segments.
    std::string_view after = rest.substr(1);
    if (MatchPattern(after, path)) return true;
    for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      if (MatchPattern(after, path.substr(slash + 1))) return true;
    }
    return false;
  }
  for (size_t taken = 0;; ++taken) {
    // The rest is not at a segment's start: a "**" in it that follows at once has been taken as one star.
    if (rest.empty() ? taken == path.size() : MatchPattern(rest, path.substr(taken))) return true;
    if (taken == path.size() || path[taken] == '/') return false;
  }
}

IgnoreRule ParseRule(std::string_view line, int number) {
  IgnoreRule rule{std::string(line), "", number};
  if (line.front() == '!') {
    rule.negated = true;
    line.remove_prefix(1);
  }
  if (!line.empty() && line.back() == '/') {
    rule.folders_only = true;
    line.remove_suffix(1);
  }
  rule.anchored = line.find('/') != std::string_view::npos;
  if (!line.empty() && line.front() == '/') line.remove_prefix(1);
  rule.pattern = std::string(line);
  return rule;
}

// Spaces at the end do not count unless a backslash protects them.
std::string_view StripTrailingSpaces(std::string_view line) {
  while (!line.empty() && line.back() == ' ') {
    size_t backslashes = 0;
    while (backslashes + 1 < line.size() && line[line.size() - 2 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 1) break;
    line.remove_suffix(1);
  }
  return line;
}

}  // namespace

bool MatchPattern(std::string_view pattern, std::string_view path) {
  size_t at = 0;
  bool behind_slash = true;
  while (at < pattern.size()) {
    char p = pattern[at];
    if (p == '*') return MatchStars(pattern, at, path, behind_slash);
    if (path.empty()) return false;
    if (p == '[') {
      if (!MatchBracket(pattern, at, static_cast<unsigned char>(path.front())).value_or(false)) return false;
    } else if (p == '?') {
      if (path.front() == '/') return false;
      ++at;
    } else {
      if (p == '\\' && ++at == pattern.size()) return false;
      if (pattern[at] != path.front()) return false;
      ++at;
    }
    behind_slash = path.front() == '/';
    path.remove_prefix(1);
  }
  return path.empty();
}

IgnoreRules::IgnoreRules(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (int number = 1; !text.empty(); ++number) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    line = StripTrailingSpaces(line);
    if (line.empty() || line.front() == '#') continue;
    IgnoreRule rule = ParseRule(line, number);
    if (!rule.pattern.empty()) rules_.push_back(std::move(rule));
  }
}

const IgnoreRule* IgnoreRules::MatchBelowKept(std::string_view path, bool is_folder) const {
  size_t slash = path.rfind('/');
  std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->folders_only && !is_folder) continue;
    if (!MatchPattern(rule->pattern, rule->anchored ? path : name)) continue;
    return rule->negated ? nullptr : &*rule;
  }
  return nullptr;
}

const IgnoreRule* IgnoreRules::Match(std::string_view path, bool is_folder) const {
  if (rules_.empty()) return nullptr;
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
    if (const IgnoreRule* rule = MatchBelowKept(path.substr(0, slash), true)) return rule;
  }
  return MatchBelowKept(path, is_folder);
}

}  // namespace wasmagent::client
