// Where several SDKs of a kind lie side by side.
#pragma once

#include <string>
#include <vector>

namespace wasmagent::pipeline {

// `place` and the folders beside it that are called `place`-SOMETHING, in that order, then by name; those that are
// there. "/opt/wasi-sdk" finds "/opt/wasi-sdk-16" too.
std::vector<std::string> SdkFolders(const std::string& place);

}  // namespace wasmagent::pipeline
