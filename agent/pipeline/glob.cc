#include "agent/pipeline/glob.h"

#include <cstddef>

namespace wasmagent::pipeline {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Where the bracket expression that opens at `at` closes; kNone when it does not. A "]" right after the opening is a
// member.
size_t BracketEnd(std::string_view pattern, size_t at) {
  size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  return pattern.find(']', i);
}

bool BracketHas(std::string_view members, char c) {
  bool negated = false;
  if (!members.empty() && (members[0] == '!' || members[0] == '^')) {
    negated = true;
    members.remove_prefix(1);
  }
  bool found = false;
  const auto byte = [](char x) { return static_cast<unsigned char>(x); };
  for (size_t i = 0; i < members.size(); ++i) {
    if (i + 2 < members.size() && members[i + 1] == '-') {
      found = found || (byte(members[i]) <= byte(c) && byte(c) <= byte(members[i + 2]));
      i += 2;
    } else {
      found = found || members[i] == c;
    }
  }
  return found != negated;
}

// Matches one byte against the pattern element at `p`; moves `p` past that element.
bool MatchOne(std::string_view pattern, size_t& p, char c) {
  switch (pattern[p]) {
    case '?':
      ++p;
      return true;
    case '[': {
      const size_t end = BracketEnd(pattern, p);
      if (end == kNone) break;  // an unclosed bracket is itself
      const std::string_view members = pattern.substr(p + 1, end - p - 1);
      p = end + 1;
      return BracketHas(members, c);
    }
    case '\\':
      if (p + 1 < pattern.size()) ++p;
      break;
    default:
      break;
  }
  return pattern[p++] == c;
}

// One segment against a pattern without "/": the usual walk with one place to go back to, which is enough because a
// later "*" makes an earlier one's choice final.
bool SegmentMatch(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = kNone, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    size_t next = p;
    if (p < pattern.size() && MatchOne(pattern, next, text[t])) {
      p = next;
      ++t;
      continue;
    }
    if (star == kNone) return false;
    p = star + 1;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (true) {
    const size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == kNone) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view path) {
  const std::vector<std::string_view> patterns = Split(pattern);
  const std::vector<std::string_view> segments = Split(path);
  size_t p = 0, s = 0, star = kNone, star_segment = 0;
  while (s < segments.size()) {
    if (p < patterns.size() && patterns[p] == "**") {
      star = p++;
      star_segment = s;
      continue;
    }
    if (p < patterns.size() && SegmentMatch(patterns[p], segments[s])) {
      ++p;
      ++s;
      continue;
    }
    if (star == kNone) return false;
    p = star + 1;
    s = ++star_segment;
  }
  while (p < patterns.size() && patterns[p] == "**") ++p;
  return p == patterns.size();
}

bool GlobListMatch(const std::vector<std::string>& patterns, const std::string& path) {
  bool matched = false;
  for (const std::string& pattern : patterns) {
    if (!pattern.empty() && pattern[0] == '!') {
      if (GlobMatch(std::string_view(pattern).substr(1), path)) return false;
    } else {
      matched = matched || GlobMatch(pattern, path);
    }
  }
  return matched;
}

std::string GlobProblem(std::string_view pattern) {
  if (!pattern.empty() && pattern[0] == '!') pattern.remove_prefix(1);
  if (pattern.empty()) return "is empty";
  if (pattern[0] == '/') return "is absolute; patterns are relative";
  for (const std::string_view segment : Split(pattern)) {
    if (segment.empty()) return "has an empty segment";
    if (segment == "." || segment == "..") return "has a '.' or '..' segment";
    if (segment != "**" && segment.find("**") != kNone)
      return "has '**' inside a segment; it must be a segment of its own";
    for (size_t i = segment.find('['); i != kNone; i = segment.find('[', i)) {
      if (i > 0 && segment[i - 1] == '\\') {
        ++i;
        continue;
      }
      const size_t end = BracketEnd(segment, i);
      if (end == kNone) return "has a '[' without its ']'";
      i = end + 1;
    }
  }
  return "";
}

}  // namespace wasmagent::pipeline
