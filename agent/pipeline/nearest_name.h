// "Did you mean …": the nearest of some names to a mistyped one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wasmagent::pipeline {

// The known name that is fewest edits (insert, remove, change, swap of neighbours) away from `name`, or "" when even
// that is more than a third of its length, at least one, away.
std::string NearestName(std::string_view name, const std::vector<std::string>& known);

// "; did you mean 'x'?" or "".
std::string DidYouMean(std::string_view name, const std::vector<std::string>& known);

}  // namespace wasmagent::pipeline
