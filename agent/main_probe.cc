#include "agent/main_probe.h"

#include <cstdio>
#include <cstdlib>

#include "agent/sandbox/cpu_memory_limits.h"
#include "agent/service/inventory_message.h"
#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"
#include "platform/status.h"
#include "wasmagent/v1/agent_service.pb.h"

namespace wasmagent::agent {
namespace {

constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

}  // namespace

std::string SearchPath() {
  const char* path = std::getenv("PATH");
  return path && *path ? path : kDefaultPath;
}

pipeline::ProbeOptions ProbeOptionsOf(const config::v1::AgentConfig& config) {
  return {config.wasi_sdk(), config.state_directory(), SearchPath(), config.emscripten_sdk()};
}

absl::Status PrintProbe(const config::v1::AgentConfig& config) {
  ASSIGN_OR_RETURN_CTX(auto inventory, pipeline::ProbeToolchains(ProbeOptionsOf(config)), "look for toolchains");
  wasmagent::v1::GetAgentInfoResponse found;
  found.set_version(WASMAGENT_VERSION);
  found.set_state_directory(config.state_directory());
  service::AddInventory(inventory, found);
  const sandbox::CpuMemoryLimits machine = sandbox::ReadCpuMemoryLimits();
  found.set_jobs(static_cast<uint32_t>(sandbox::UsefulJobs(machine)));
  found.set_jobs_reason(fmt::format("{}; {}", machine.cpus_reason, machine.memory_reason));
  std::string json;
  google::protobuf::util::JsonPrintOptions layout;
  layout.add_whitespace = true;
  if (!google::protobuf::util::MessageToJsonString(found, &json, layout).ok()) {
    return absl::InternalError("what was found cannot be written as JSON");
  }
  std::fputs(json.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace wasmagent::agent
