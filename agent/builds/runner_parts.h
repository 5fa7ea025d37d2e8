// What builds are run with.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "agent/pipeline/planner.h"
#include "agent/sandbox/launcher.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/config_cache.h"
#include "agent/workspace/workspace_pool.h"

namespace wasmagent::builds {

// What a runner works with. All of it outlives the runner; constructed in main.
struct RunnerParts {
  store::BlobStore& store;
  workspace::WorkspacePool& workspaces;
  workspace::ConfigCache& config_cache;
  const pipeline::Planner& planner;
  sandbox::Launcher& launcher;
};

// Limits that hold for every build.
struct RunnerLimits {
  int jobs = 1;
  absl::Duration timeout = absl::Hours(2);
  absl::Duration kill_grace = absl::Seconds(10);
  uint64_t log_head_bytes = uint64_t{256} << 20;
  uint64_t log_tail_bytes = uint64_t{4} << 20;
  sandbox::ResourceLimits resources;
};

}  // namespace wasmagent::builds
