// Relative paths as text: what target files and plans are made of.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::pipeline {

// Without empty and "." segments, ".." resolved where a segment is before it; "." for nothing.
std::string NormalPath(std::string_view path);

// The way from folder `from` to `to`, both in normal form and relative to one place: RelativePath("builddir/wasi", ".")
// is "../..".
std::string RelativePath(std::string_view from, std::string_view to);

// Empty, or why `path` is no path inside the source tree: "is empty", "is absolute…", "leaves …".
std::string RelativePathProblem(std::string_view path);

}  // namespace wasmagent::pipeline
