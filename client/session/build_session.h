// Handing a build to an agent: the call, and the blobs that it turns out to need.
#pragma once

#include "absl/status/statusor.h"
#include "client/session/agent_connection.h"
#include "client/session/tree_sender.h"
#include "wasmagent/v1/agent_service.pb.h"
#include "wasmagent/v1/build_service.pb.h"

namespace wasmagent::client {

// Starts a build. `request.root` must be the tree's root and `request.build_id` set: it is the same in every attempt,
// so that a retry is the same build. Sends what the agent says is missing and asks again as long as that helps. ABORTED
// names a file that changed while it was sent: scan again and submit the new tree (with a new build_id or the same
// one).
absl::StatusOr<wasmagent::v1::Build> Submit(AgentConnection& connection, const wasmagent::v1::BuildRequest& request,
                                            const SourceTree& tree, const SendProgressCallback& progress = {});

// Plans a build without running it; sends the folders and the few files that this needs.
absl::StatusOr<wasmagent::v1::PlanBuildResponse> PlanBuild(AgentConnection& connection,
                                                           const wasmagent::v1::BuildRequest& request,
                                                           const SourceTree& tree,
                                                           const SendProgressCallback& progress = {});

// Lists the targets of a tree; sends what PlanBuild sends.
absl::StatusOr<wasmagent::v1::ListTargetsResponse> ListTargets(AgentConnection& connection, const SourceTree& tree,
                                                               const SendProgressCallback& progress = {});

}  // namespace wasmagent::client
