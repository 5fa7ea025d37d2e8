// Paths as they are written in URLs and in HTML.
#pragma once

#include <string>
#include <string_view>

namespace wasmagent::client {

// A path with every byte percent-encoded that is not plain in a URL's path; '/' stays.
std::string EncodePath(std::string_view path);

// Text for HTML, also within an attribute's quotes.
std::string EscapeHtml(std::string_view text);

}  // namespace wasmagent::client
