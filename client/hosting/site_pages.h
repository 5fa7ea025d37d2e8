// The pages that builds have left in a checkout.
#pragma once

#include <string>
#include <vector>

namespace wasmagent::client {

// The HTML files below `root`/builddir, as paths below `root`: those nearest to the targets' folders first, at most
// `limit`. No link is followed. Folders that cannot be read count as empty.
std::vector<std::string> FindPages(const std::string& root, size_t limit);

}  // namespace wasmagent::client
