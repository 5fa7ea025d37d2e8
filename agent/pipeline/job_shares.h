// How the targets of a build share its parallel jobs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/pipeline/target_file.h"

namespace wasmagent::pipeline {

// True when one build dir is, or lies in, the other; "." holds all.
bool BuildDirectoriesOverlap(std::string_view one, std::string_view other);

// The jobs of each of `targets`, which are in order, needs first. Targets that may run side by side divide `jobs` among
// them: those of the same depth of needs whose build dirs do not overlap. Any other gets all of them. At least 1 each.
std::vector<int> ShareJobs(const std::vector<const TargetTemplate*>& targets, int jobs);

}  // namespace wasmagent::pipeline
