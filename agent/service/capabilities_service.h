// build.bazel.remote.execution.v2.Capabilities.
#pragma once

#include <cstdint>

#include "build/bazel/remote/execution/v2/remote_execution.grpc.pb.h"

namespace wasmagent::service {

// Most bytes of content in one batch call: gRPC's default message of 4 MiB less room for digests and framing.
inline constexpr int64_t kMaxBatchBytes = 4 * 1024 * 1024 - 64 * 1024;

// Tells clients the limits. Holds no state.
class CapabilitiesService final : public build::bazel::remote::execution::v2::Capabilities::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetCapabilities(grpc::CallbackServerContext* context,
                                            const build::bazel::remote::execution::v2::GetCapabilitiesRequest* request,
                                            build::bazel::remote::execution::v2::ServerCapabilities* response) override;
};

}  // namespace wasmagent::service
