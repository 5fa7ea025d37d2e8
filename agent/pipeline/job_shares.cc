#include "agent/pipeline/job_shares.h"

#include <algorithm>
#include <map>

namespace wasmagent::pipeline {
namespace {

bool IsWithin(std::string_view path, std::string_view folder) {
  return folder == "." || path == folder ||
         (path.size() > folder.size() && path.substr(0, folder.size()) == folder && path[folder.size()] == '/');
}

}  // namespace

bool BuildDirectoriesOverlap(std::string_view one, std::string_view other) {
  return IsWithin(one, other) || IsWithin(other, one);
}

std::vector<int> ShareJobs(const std::vector<const TargetTemplate*>& targets, int jobs) {
  std::map<std::string, int> depth;  // needs come first, so theirs are known
  for (const TargetTemplate* target : targets) {
    int deepest = 0;
    for (const std::string& need : target->needs) deepest = std::max(deepest, depth[need] + 1);
    depth[target->name] = deepest;
  }
  std::vector<bool> beside;
  std::map<int, int> lanes;  // by depth: how many can run side by side
  for (const TargetTemplate* target : targets) {
    beside.push_back(std::none_of(targets.begin(), targets.end(), [&](const TargetTemplate* other) {
      return other != target && depth[other->name] == depth[target->name] &&
             BuildDirectoriesOverlap(other->build_directory, target->build_directory);
    }));
    if (beside.back()) ++lanes[depth[target->name]];
  }
  std::vector<int> shares;
  for (size_t i = 0; i < targets.size(); ++i) {
    const int others = beside[i] ? std::min(jobs, lanes[depth[targets[i]->name]]) : 1;
    shares.push_back(std::max(1, jobs / std::max(1, others)));
  }
  return shares;
}

}  // namespace wasmagent::pipeline
