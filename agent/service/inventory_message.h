// Toolchains and runtimes as the wire has them.
#pragma once

#include "agent/pipeline/toolchain.h"
#include "wasmagent/v1/agent_service.pb.h"

namespace wasmagent::service {

void ToProto(const pipeline::Toolchain& from, wasmagent::v1::Toolchain& to);

// Adds all that was found, the unusable with what mends it.
void AddInventory(const pipeline::ToolchainInventory& inventory, wasmagent::v1::GetAgentInfoResponse& to);

}  // namespace wasmagent::service
