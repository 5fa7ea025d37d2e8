// Rules in gitignore's language, for .wasmignore: parsed once, asked for many paths.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::client {

// One line of an ignore file.
struct IgnoreRule {
  std::string text;     // the line as it stands
  std::string pattern;  // without "!", the leading and the trailing slash
  int line = 0;         // from 1
  bool negated = false;
  bool folders_only = false;
  bool anchored = false;  // has a slash before its end: matched against the whole path, not the last name
};

// An ignore file. Immutable; a question costs one pattern match for each rule and each folder above the path.
class IgnoreRules {
 public:
  IgnoreRules() = default;
  // Every text is a valid file: what git would not match, does not match here.
  explicit IgnoreRules(std::string_view text);

  bool empty() const { return rules_.empty(); }
  // The rule that leaves `path` (relative, no slash at its end) out, or none. A path below a folder that is left out is
  // left out, whatever later rules say; otherwise the last rule that matches decides.
  const IgnoreRule* Match(std::string_view path, bool is_folder) const;
  // The same when the folders above are known to be kept: costs one match for each rule.
  const IgnoreRule* MatchBelowKept(std::string_view path, bool is_folder) const;

 private:
  std::vector<IgnoreRule> rules_;
};

// gitignore's pattern match: "*", "?" and "[…]" stay within a segment, "**" between slashes crosses segments.
bool MatchPattern(std::string_view pattern, std::string_view path);

}  // namespace wasmagent::client
