// File patterns of target files: "*", "**", "?", "[...]" and, in lists, "!" for what is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::pipeline {

// True when `path` (relative, '/' between segments) as a whole matches `pattern`. "*" and "?" stay in a segment; "**"
// as a whole segment stands for any number of segments, none included; "[abc]", "[a-z]" and "[!a-z]" stand for one
// byte; a backslash takes the next byte literally. Leading dots are nothing special. Takes at most pattern × path
// steps.
bool GlobMatch(std::string_view pattern, std::string_view path);

// True when a pattern of the list matches and no pattern of it that starts with "!" does, wherever it stands.
bool GlobListMatch(const std::vector<std::string>& patterns, const std::string& path);

// Empty, or what is wrong with a pattern: absolute, "..", an empty segment, an unclosed bracket, "**" inside a segment.
std::string GlobProblem(std::string_view pattern);

}  // namespace wasmagent::pipeline
