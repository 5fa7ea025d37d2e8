#include "agent/service/inventory_message.h"

namespace wasmagent::service {

void ToProto(const pipeline::Toolchain& from, wasmagent::v1::Toolchain& to) {
  to.set_kind(from.kind);
  to.set_path(from.path);
  to.set_version(from.version);
  to.set_fingerprint(from.fingerprint);
  to.set_usable(from.usable);
  to.set_problem(from.problem);
}

void AddInventory(const pipeline::ToolchainInventory& inventory, wasmagent::v1::GetAgentInfoResponse& to) {
  for (const auto& toolchain : inventory.toolchains) ToProto(toolchain, *to.add_toolchains());
  for (const auto& runtime : inventory.runtimes) {
    auto& out = *to.add_runtimes();
    out.set_name(runtime.name);
    out.set_path(runtime.path);
    out.set_version(runtime.version);
    out.set_problem(runtime.problem);
  }
  to.set_compiler_cache(inventory.ccache);
}

}  // namespace wasmagent::service
