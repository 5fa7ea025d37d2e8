#include "agent/pipeline/paths.h"

#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace wasmagent::pipeline {
namespace {

std::vector<std::string_view> Segments(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment == ".." && !segments.empty() && segments.back() != "..") {
      segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  }
  return segments;
}

}  // namespace

std::string NormalPath(std::string_view path) {
  const std::vector<std::string_view> segments = Segments(path);
  return segments.empty() ? "." : fmt::format("{}", fmt::join(segments, "/"));
}

std::string RelativePath(std::string_view from, std::string_view to) {
  const std::vector<std::string_view> a = Segments(from);
  const std::vector<std::string_view> b = Segments(to);
  size_t common = 0;
  while (common < a.size() && common < b.size() && a[common] == b[common]) ++common;
  std::vector<std::string_view> way(a.size() - common, "..");
  way.insert(way.end(), b.begin() + static_cast<std::ptrdiff_t>(common), b.end());
  return way.empty() ? "." : fmt::format("{}", fmt::join(way, "/"));
}

std::string RelativePathProblem(std::string_view path) {
  if (path.empty()) return "is empty";
  if (path[0] == '/') return "is absolute; it must be relative to the source tree";
  const std::string normal = NormalPath(path);
  if (normal == ".." || normal.rfind("../", 0) == 0) return "leaves the source tree";
  return "";
}

}  // namespace wasmagent::pipeline
