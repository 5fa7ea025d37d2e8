// Which targets a request means: names, "all", and patterns.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/pipeline/target_file.h"
#include "agent/pipeline/toolchain.h"

namespace wasmagent::pipeline {

// Stands for every target.
inline constexpr char kAllTargets[] = "all";

struct TargetSelection {
  std::vector<std::string> names;    // in the order of the request, then of the file; each once
  std::vector<std::string> remarks;  // what a pattern fits and this agent cannot build, and why
};

// True for "all" and for texts with "*", "?" or "[", which no target's name has.
bool IsTargetPattern(const std::string& text);

// What of a request decides which targets a pattern means.
struct Wish {
  bool force = false;       // those that are known to be broken, too
  std::string action = "";  // those that have it
};

// Empty, or why this machine cannot build the target or one that it needs, and what mends it.
std::string TargetProblem(const TargetFile& file, const TargetTemplate& target, const ToolchainInventory& inventory,
                          const Wish& wish);

// What is asked for by name is meant whatever the agent has: what it lacks is an error of the plan. A pattern means
// those of its targets that this agent can build. INVALID_ARGUMENT with the known names for a name that is not there
// and for a pattern that fits none; FAILED_PRECONDITION, with the reasons, for one of which nothing can be built here.
absl::StatusOr<TargetSelection> SelectTargets(const TargetFile& file, const std::vector<std::string>& wanted,
                                              const ToolchainInventory& inventory, const Wish& wish);

}  // namespace wasmagent::pipeline
