// The file ".emscripten": a Python program that emscripten runs, read here without running it.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace wasmagent::pipeline {

// The settings that the file assigns texts to, such as NODE_JS and EMSCRIPTEN_ROOT; of a list, the first text. Known
// are texts in quotes, names that were assigned before, and "+" between them; emsdk_path is `folder`, which the file
// works out by itself. True, False and None are texts too. Lines that say anything else are passed over.
std::map<std::string, std::string> ParseEmscriptenConfig(std::string_view text, const std::string& folder);

}  // namespace wasmagent::pipeline
