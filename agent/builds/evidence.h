// What explains a failure, kept beyond the workspace: config.log, and on request the whole build dir.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "agent/store/blob_store.h"
#include "agent/workspace/artifact_collector.h"
#include "agent/workspace/workspace_pool.h"
#include "wasmagent/v1/build.pb.h"

namespace wasmagent::builds {

// A stored file.
struct Evidence {
  wasmagent::v1::EvidenceFile file;
  store::Lease lease;
};

// Stores config.log of the target's build dir ("." is the source root), or nothing when there is none that autoconf
// could have written. The store's errors, a full disk above all, are returned.
absl::StatusOr<std::optional<Evidence>> KeepConfigLog(const workspace::Workspace& workspace, const std::string& target,
                                                      const std::string& build_directory, store::BlobStore& store);

// The target that a request for a build dir means: `wanted`, or when that is empty the one that failed, else the only
// one. FAILED_PRECONDITION for a build that has not ended or has taken no workspace, INVALID_ARGUMENT with the targets
// that there are.
absl::StatusOr<std::string> TargetOfBuildDirectory(const wasmagent::v1::Build& build, const std::string& wanted);

// Stores the build dir of a target as the build left it, all of it, and leases it. NOT_FOUND and FAILED_PRECONDITION as
// for WorkspacePool::Reopen, NOT_FOUND when there is no build dir.
absl::StatusOr<workspace::Collected> KeepBuildDirectory(const wasmagent::v1::Build& build, const std::string& target,
                                                        workspace::WorkspacePool& workspaces, store::BlobStore& store);

}  // namespace wasmagent::builds
