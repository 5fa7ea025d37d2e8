// build.bazel.remote.execution.v2.ActionCache.
#pragma once

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

namespace wasmagent::service {

// Read-only to clients, and empty as yet: every lookup is a miss. Holds no state.
class ActionCacheService final : public build::bazel::remote::execution::v2::ActionCache::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetActionResult(grpc::CallbackServerContext* context,
                                            const build::bazel::remote::execution::v2::GetActionResultRequest* request,
                                            build::bazel::remote::execution::v2::ActionResult* response) override;
  grpc::ServerUnaryReactor* UpdateActionResult(
      grpc::CallbackServerContext* context,
      const build::bazel::remote::execution::v2::UpdateActionResultRequest* request,
      build::bazel::remote::execution::v2::ActionResult* response) override;
};

}  // namespace wasmagent::service
