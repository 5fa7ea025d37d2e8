// All parts of a running agent, in the order in which they depend on each other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/builds/build_manager.h"
#include "agent/pipeline/planner.h"
#include "agent/sandbox/launcher.h"
#include "agent/service/action_cache_service.h"
#include "agent/service/agent_service.h"
#include "agent/service/build_service.h"
#include "agent/service/byte_stream_service.h"
#include "agent/service/capabilities_service.h"
#include "agent/service/cas_service.h"
#include "agent/service/housekeeper.h"
#include "agent/service/server.h"
#include "agent/workspace/config_cache.h"
#include "agent/workspace/workspace_pool.h"
#include "wasmagent/config/v1/agent_config.pb.h"

namespace wasmagent::agent {

// Owns every part. Made once by main; its destruction stops the builds first, then the server, the launcher last.
class Agent {
 public:
  // Opens state, takes up builds of the last run, and serves. `launcher` was forked before any thread. `exit` is called
  // when the agent has been idle for as long as the configuration says.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const config::v1::AgentConfig& config,
                                                      std::unique_ptr<sandbox::Launcher> launcher,
                                                      std::function<void()> exit);
  ~Agent();
  const std::vector<std::string>& addresses() const { return server_->addresses(); }

 private:
  Agent() = default;
  absl::Status OpenState(const config::v1::AgentConfig& config);
  absl::Status TakeUpBuilds(const config::v1::AgentConfig& config);
  absl::Status Serve(const config::v1::AgentConfig& config, std::function<void()> exit);

  platform::SystemClock clock_;
  std::unique_ptr<sandbox::Launcher> launcher_;
  pipeline::ToolchainInventory inventory_;
  std::unique_ptr<store::BlobStore> store_;
  std::unique_ptr<workspace::WorkspacePool> workspaces_;
  std::unique_ptr<workspace::ConfigCache> config_cache_;
  std::unique_ptr<pipeline::Planner> planner_;
  int jobs_ = 1;
  std::string jobs_reason_;
  std::unique_ptr<builds::BuildManager> manager_;
  service::Activity activity_;
  std::unique_ptr<platform::WorkerPool> pool_;
  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<service::Server> server_;
  std::unique_ptr<service::Housekeeper> housekeeper_;
};

}  // namespace wasmagent::agent
