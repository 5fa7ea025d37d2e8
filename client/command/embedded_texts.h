// Texts that are part of the program; made by the build from the files themselves.
#pragma once

#include <map>
#include <string_view>

namespace wasmagent::client {

// By file name.
const std::map<std::string_view, std::string_view>& EmbeddedTexts();

}  // namespace wasmagent::client
