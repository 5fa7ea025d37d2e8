#include "agent/agent.h"

#include <algorithm>

#include "agent/builds/compiler_cache_use.h"
#include "agent/main_probe.h"
#include "agent/sandbox/cpu_memory_limits.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::agent {
namespace {

using config::v1::AgentConfig;

// Threads for calls that block: enough that a slow disk holds up a few calls and not all. Started only when needed.
constexpr size_t kWorkers = 8;
// Descriptors a build's process may have; make and its children need a handful, linkers of large archives some
// hundreds.
constexpr uint64_t kOpenFiles = 65536;

// What every step gets before its target's own: the same on every agent, but for the search path and the compiler
// cache.
std::map<std::string, std::string> BaseEnvironment(const AgentConfig& config) {
  const std::string beside_source = pipeline::kTemporaryFolder;
  std::map<std::string, std::string> env = {
      {"PATH", SearchPath()}, {"HOME", beside_source}, {"TMPDIR", beside_source}, {"LC_ALL", "C.UTF-8"},
      {"TZ", "UTC"},          {"SHELL", "/bin/sh"},    {"USER", "wasmagent"},     {"LOGNAME", "wasmagent"},
  };
  if (config.compiler_cache_bytes() == 0) {
    env["CCACHE_DISABLE"] = "1";
    return env;
  }
  env["CCACHE_DIR"] = config.state_directory() + "/ccache";
  env["CCACHE_MAXSIZE"] = fmt::format("{}Mi", std::max<uint64_t>(1, config.compiler_cache_bytes() >> 20));
  // Debug information names the working directory, which differs between workspaces; hits matter more.
  env["CCACHE_NOHASHDIR"] = "1";
  // How much it served is told with each step; each target gets a log of its own.
  env["CCACHE_STATSLOG"] = fmt::format("{}/{}", beside_source, builds::kStatsLogName);
  return env;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentConfig& config,
                                                    std::unique_ptr<sandbox::Launcher> launcher,
                                                    std::function<void()> exit) {
  std::unique_ptr<Agent> agent(new Agent);
  agent->launcher_ = std::move(launcher);
  RETURN_IF_ERROR_CTX(agent->OpenState(config), "open the state");
  RETURN_IF_ERROR(agent->TakeUpBuilds(config));
  RETURN_IF_ERROR(agent->Serve(config, std::move(exit)));
  // Last: a build that was begun by an agent that then cannot listen would count as one that took the agent down.
  agent->manager_->Run();
  return agent;
}

Agent::~Agent() {
  // Before the server, which gives open calls time: what runs is stopped now, and known to be.
  if (manager_) manager_->Stop();
}

absl::Status Agent::OpenState(const AgentConfig& config) {
  const std::string& state = config.state_directory();
  RETURN_IF_ERROR(platform::MakeDirectories(state, 0700));
  store::BlobStoreOptions options;
  options.directory = state + "/store";
  options.budget_bytes = config.blob_budget_bytes();
  options.min_free_bytes = config.min_free_bytes();
  // The store's lock keeps a second agent off the whole state folder.
  ASSIGN_OR_RETURN_CTX(store_, store::BlobStore::Open(options, clock_), state);
  ASSIGN_OR_RETURN(workspaces_,
                   workspace::WorkspacePool::Open(state + "/workspaces", config.workspace_limit(), clock_));
  config_cache_ = std::make_unique<workspace::ConfigCache>(state + "/config-cache");
  return absl::OkStatus();
}

absl::Status Agent::TakeUpBuilds(const AgentConfig& config) {
  ASSIGN_OR_RETURN_CTX(inventory_, pipeline::ProbeToolchains(ProbeOptionsOf(config)), "look for toolchains");
  for (const auto& toolchain : inventory_.toolchains) {
    if (toolchain.usable) spdlog::info("toolchain {}: {} in {}", toolchain.kind, toolchain.version, toolchain.path);
    if (!toolchain.usable) spdlog::warn("toolchain {}: {}", toolchain.kind, toolchain.problem);
  }
  planner_ = std::make_unique<pipeline::Planner>(inventory_, BaseEnvironment(config));

  sandbox::CpuMemoryLimits machine = sandbox::ReadCpuMemoryLimits();
  // The builds that run at the same time share the machine.
  int slots = static_cast<int>(config.slots());
  jobs_ = config.jobs() > 0 ? static_cast<int>(config.jobs()) : std::max(1, sandbox::UsefulJobs(machine) / slots);
  jobs_reason_ = config.jobs() > 0 ? "set in the configuration"
                                   : fmt::format("{}; {}{}", machine.cpus_reason, machine.memory_reason,
                                                 slots > 1 ? fmt::format("; for each of {} slots", slots) : "");
  builds::ManagerOptions options;
  options.directory = config.state_directory() + "/builds";
  options.slots = config.slots();
  options.queue_limit = config.queue_limit();
  options.history_limit = config.history_limit();
  options.min_free_bytes = config.min_free_bytes();
  options.limits.jobs = jobs_;
  options.limits.timeout = absl::Seconds(config.default_timeout_seconds());
  options.limits.kill_grace = absl::Seconds(config.kill_grace_seconds());
  options.limits.log_head_bytes = config.log_head_bytes();
  options.limits.log_tail_bytes = config.log_tail_bytes();
  options.limits.resources.open_files = kOpenFiles;
  options.limits.resources.file_bytes = config.file_size_limit_bytes();
  options.limits.resources.processes = config.process_limit();
  builds::RunnerParts parts{*store_, *workspaces_, *config_cache_, *planner_, *launcher_};
  ASSIGN_OR_RETURN(manager_, builds::BuildManager::Open(std::move(options), parts, clock_));
  return absl::OkStatus();
}

absl::Status Agent::Serve(const AgentConfig& config, std::function<void()> exit) {
  pool_ = std::make_unique<platform::WorkerPool>(kWorkers);
  service::AgentFacts facts;
  facts.version = WASMAGENT_VERSION;
  facts.isolation = "process";
  facts.slots = config.slots();
  facts.jobs = jobs_;
  facts.jobs_reason = jobs_reason_;
  facts.state_directory = config.state_directory();
  facts.bind_roots.assign(config.bind_roots().begin(), config.bind_roots().end());
  facts.blob_budget_bytes = config.blob_budget_bytes();
  facts.start_time = clock_.Now();
  service::AgentParts parts{*store_, *workspaces_, *manager_, *planner_, inventory_, *pool_};
  services_.push_back(std::make_unique<service::BuildServiceImpl>(*manager_, *pool_));
  services_.push_back(std::make_unique<service::AgentServiceImpl>(std::move(facts), parts));
  services_.push_back(std::make_unique<service::CasService>(*store_, *pool_));
  auto byte_stream = std::make_unique<service::ByteStreamService>(*store_, *pool_, clock_);
  service::ByteStreamService& uploads = *byte_stream;
  services_.push_back(std::move(byte_stream));
  services_.push_back(std::make_unique<service::CapabilitiesService>());
  services_.push_back(std::make_unique<service::ActionCacheService>());
  std::vector<grpc::Service*> services;
  for (const auto& service : services_) services.push_back(service.get());
  std::vector<std::string> addresses(config.listen().begin(), config.listen().end());
  ASSIGN_OR_RETURN(server_, service::Server::Start(addresses, config.insecure_listen(), services, activity_));
  housekeeper_ = std::make_unique<service::Housekeeper>(*store_, *workspaces_, *manager_, uploads, activity_,
                                                        absl::Seconds(config.idle_exit_seconds()), std::move(exit));
  return absl::OkStatus();
}

}  // namespace wasmagent::agent
