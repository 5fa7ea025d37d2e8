#include "client/hosting/site_pages.h"

#include <filesystem>
#include <set>
#include <utility>

namespace wasmagent::client {

std::vector<std::string> FindPages(const std::string& root, size_t limit) {
  // A page that is meant to be opened lies near the top of what a target made; deeper ones belong to what it ships.
  constexpr int kDeepest = 4;
  std::set<std::pair<int, std::string>> found;
  std::error_code error;
  std::filesystem::recursive_directory_iterator entry(
      root + "/builddir", std::filesystem::directory_options::skip_permission_denied, error);
  for (std::filesystem::recursive_directory_iterator end; !error && entry != end; entry.increment(error)) {
    if (entry.depth() >= kDeepest) entry.disable_recursion_pending();
    // A file in builddir itself is no target's.
    if (entry.depth() > 0 && entry->path().extension() == ".html") {
      found.emplace(entry.depth(), entry->path().string().substr(root.size() + 1));
    }
  }
  std::vector<std::string> pages;
  for (const auto& [depth, path] : found) {
    if (pages.size() == limit) break;
    pages.push_back(path);
  }
  return pages;
}

}  // namespace wasmagent::client
