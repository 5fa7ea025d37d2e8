// Flags of node that WebAssembly programs may need.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::pipeline {

// The flags that a target may name. Each is unknown to some releases of node, which end with "bad option" when they are
// given it: what was experimental becomes the rule, and the flag goes away.
const std::vector<std::string>& KnownNodeFlags();

// Those of them that this node takes, in the same order; asks it once for each, all at once.
std::vector<std::string> ProbeNodeFlags(const std::string& node, std::string_view search_path);

}  // namespace wasmagent::pipeline
