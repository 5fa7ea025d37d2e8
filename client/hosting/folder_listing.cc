#include "client/hosting/folder_listing.h"

#include <dirent.h>

#include <set>
#include <utility>

#include "client/hosting/url_path.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/status.h"

namespace wasmagent::client {

absl::StatusOr<std::string> FolderListing(const SiteEntry& folder) {
  ASSIGN_OR_RETURN(auto entries, platform::ListDirectory(folder.fd.get()));
  // Sorted: folders first, then by name. A link is listed like a file; a request for it says what it is.
  std::set<std::pair<bool, std::string>> names;
  for (const auto& entry : entries) {
    if (!IsGitName(entry.name)) names.emplace(entry.type != DT_DIR, entry.name);
  }
  std::string title = EscapeHtml("/" + folder.path);
  std::string page =
      fmt::format("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<h1>{0}</h1>\n<ul>\n", title);
  if (!folder.path.empty()) page += "<li><a href=\"../\">../</a></li>\n";
  for (const auto& [is_file, name] : names) {
    const char* slash = is_file ? "" : "/";
    // "./" keeps a name with a colon from being read as a scheme.
    page += fmt::format("<li><a href=\"./{}{}\">{}{}</a></li>\n", EncodePath(name), slash, EscapeHtml(name), slash);
  }
  return page + "</ul>\n";
}

}  // namespace wasmagent::client
