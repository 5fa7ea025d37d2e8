#include "agent/config.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "agent/service/server.h"
#include "fmt/format.h"
#include "platform/file.h"
#include "platform/status.h"
#include "proto/yaml_config.h"

namespace wasmagent::agent {
namespace {

using config::v1::AgentConfig;

constexpr uint64_t kGiB = uint64_t{1} << 30;
constexpr uint64_t kMiB = uint64_t{1} << 20;

std::string DefaultStateDirectory() {
  if (::geteuid() == 0) return "/var/lib/wasmagent";
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/') return std::string(cache) + "/wasmagent";
  const char* home = std::getenv("HOME");
  return std::string(home && *home ? home : "/tmp") + "/.cache/wasmagent";
}

// One flag: how it is spelled, and how its value gets into the message. Flags are applied after the file, so each keeps
// what was given.
template <typename T>
void AddFlag(CLI::App& app, const std::string& name, void (AgentConfig::*set)(T), const std::string& help,
             std::vector<std::function<void(AgentConfig&)>>& apply) {
  auto value = std::make_shared<T>();
  CLI::Option* option = app.add_option(name, *value, help);
  apply.push_back([=](AgentConfig& config) {
    if (option->count() > 0) (config.*set)(*value);
  });
}

void AddText(CLI::App& app, const std::string& name, const std::function<void(AgentConfig&, const std::string&)>& set,
             const std::string& help, std::vector<std::function<void(AgentConfig&)>>& apply) {
  auto value = std::make_shared<std::string>();
  CLI::Option* option = app.add_option(name, *value, help);
  apply.push_back([=](AgentConfig& config) {
    if (option->count() > 0) set(config, *value);
  });
}

void AddFlags(CLI::App& app, std::vector<std::function<void(AgentConfig&)>>& apply) {
  auto listen = std::make_shared<std::vector<std::string>>();
  app.add_option("--listen", *listen, "Address to listen on: unix:/path/socket or 127.0.0.1:7890; repeatable");
  auto roots = std::make_shared<std::vector<std::string>>();
  app.add_option("--bind-root", *roots, "Folder whose files clients may have imported; repeatable");
  auto insecure = std::make_shared<bool>(false);
  app.add_flag("--insecure-listen", *insecure, "Allow addresses beyond this machine, without encryption or identity");
  apply.push_back([=](AgentConfig& config) {
    if (!listen->empty()) config.mutable_listen()->Assign(listen->begin(), listen->end());
    if (!roots->empty()) config.mutable_bind_roots()->Assign(roots->begin(), roots->end());
    if (*insecure) config.set_insecure_listen(true);
  });
  AddText(
      app, "--state-directory", [](AgentConfig& c, const std::string& v) { c.set_state_directory(v); },
      "Folder of all state", apply);
  AddText(
      app, "--wasi-sdk", [](AgentConfig& c, const std::string& v) { c.set_wasi_sdk(v); }, "Folder of the WASI SDK",
      apply);
  AddText(
      app, "--emscripten-sdk", [](AgentConfig& c, const std::string& v) { c.set_emscripten_sdk(v); },
      "Folder of the Emscripten SDK", apply);
  AddText(
      app, "--log-level", [](AgentConfig& c, const std::string& v) { c.set_log_level(v); },
      "trace, debug, info, warning or error", apply);
  AddText(
      app, "--log-format", [](AgentConfig& c, const std::string& v) { c.set_log_format(v); }, "text or json", apply);
  AddFlag<uint32_t>(app, "--slots", &AgentConfig::set_slots, "Builds that run at the same time", apply);
  AddFlag<uint32_t>(app, "--jobs", &AgentConfig::set_jobs, "Parallel jobs of a build", apply);
  AddFlag<uint32_t>(app, "--queue-limit", &AgentConfig::set_queue_limit, "Builds that may wait", apply);
  AddFlag<uint32_t>(app, "--default-timeout-seconds", &AgentConfig::set_default_timeout_seconds,
                    "Time limit of a build that names none", apply);
  AddFlag<uint32_t>(app, "--kill-grace-seconds", &AgentConfig::set_kill_grace_seconds, "Time between TERM and KILL",
                    apply);
  AddFlag<uint64_t>(app, "--blob-budget-bytes", &AgentConfig::set_blob_budget_bytes, "Bytes of blobs to keep", apply);
  AddFlag<uint64_t>(app, "--min-free-bytes", &AgentConfig::set_min_free_bytes, "Bytes that stay free on the disk",
                    apply);
  AddFlag<uint32_t>(app, "--workspace-limit", &AgentConfig::set_workspace_limit, "Workspaces to keep", apply);
  AddFlag<uint64_t>(app, "--log-head-bytes", &AgentConfig::set_log_head_bytes, "Bytes of a log kept from its start",
                    apply);
  AddFlag<uint64_t>(app, "--log-tail-bytes", &AgentConfig::set_log_tail_bytes, "Bytes of a log kept from its end",
                    apply);
  AddFlag<uint64_t>(app, "--file-size-limit-bytes", &AgentConfig::set_file_size_limit_bytes,
                    "Bytes of one file that a step may write", apply);
  AddFlag<uint64_t>(app, "--process-limit", &AgentConfig::set_process_limit,
                    "Processes of the agent's user beyond which a step starts no more; 0 for no limit of its own",
                    apply);
  AddFlag<uint32_t>(app, "--history-limit", &AgentConfig::set_history_limit, "Ended builds to remember", apply);
  AddFlag<uint64_t>(app, "--compiler-cache-bytes", &AgentConfig::set_compiler_cache_bytes,
                    "Size of the compiler cache; 0 for none", apply);
  AddFlag<uint32_t>(app, "--idle-exit-seconds", &AgentConfig::set_idle_exit_seconds,
                    "End after so long without use; 0 for never", apply);
}

}  // namespace

void FillDefaults(AgentConfig& config) {
  if (config.state_directory().empty()) config.set_state_directory(DefaultStateDirectory());
  if (config.listen().empty()) config.add_listen("unix:" + config.state_directory() + "/agent.sock");
  if (config.slots() == 0) config.set_slots(1);
  if (config.queue_limit() == 0) config.set_queue_limit(100);
  if (config.default_timeout_seconds() == 0) config.set_default_timeout_seconds(7200);
  if (config.kill_grace_seconds() == 0) config.set_kill_grace_seconds(10);
  if (config.blob_budget_bytes() == 0) config.set_blob_budget_bytes(10 * kGiB);
  if (config.min_free_bytes() == 0) config.set_min_free_bytes(kGiB);
  if (config.workspace_limit() == 0) config.set_workspace_limit(8);
  if (config.log_head_bytes() == 0) config.set_log_head_bytes(256 * kMiB);
  if (config.log_tail_bytes() == 0) config.set_log_tail_bytes(4 * kMiB);
  if (config.file_size_limit_bytes() == 0) config.set_file_size_limit_bytes(64 * kGiB);
  if (config.history_limit() == 0) config.set_history_limit(1000);
  if (!config.has_compiler_cache_bytes()) config.set_compiler_cache_bytes(5 * kGiB);
  if (config.log_level().empty()) config.set_log_level("info");
  if (config.log_format().empty()) config.set_log_format("text");
}

absl::Status CheckConfig(const AgentConfig& config) {
  if (!config.state_directory().starts_with('/'))
    return absl::InvalidArgumentError("state_directory must be an absolute path");
  for (const std::string& root : config.bind_roots()) {
    if (!root.starts_with('/'))
      return absl::InvalidArgumentError(fmt::format("bind_roots: {} must be an absolute path", root));
  }
  for (const std::string& address : config.listen()) {
    RETURN_IF_ERROR_CTX(service::CheckListenAddress(address, config.insecure_listen()), "listen");
  }
  if (config.slots() > 256) return absl::InvalidArgumentError("slots is over 256");
  for (const char* level : {"trace", "debug", "info", "warning", "error"}) {
    if (config.log_level() != level) continue;
    if (config.log_format() == "text" || config.log_format() == "json") return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format("log_format: '{}' is neither text nor json", config.log_format()));
  }
  return absl::InvalidArgumentError(
      fmt::format("log_level: '{}' is none of trace, debug, info, warning, error", config.log_level()));
}

absl::StatusOr<ParsedCommandLine> ParseCommandLine(int argc, char** argv) {
  CLI::App app("wasmagent: builds C projects for WebAssembly on behalf of wasmctl");
  app.footer("Configuration: each flag is a field of the YAML file that --config names, with _ for -.");
  ParsedCommandLine parsed;
  Invocation& invocation = parsed.invocation;
  std::string file;
  bool print_config = false;
  std::vector<std::function<void(AgentConfig&)>> apply;
  app.set_version_flag("--version", std::string("wasmagent ") + WASMAGENT_VERSION);
  app.add_option("--config", file, "YAML file with the configuration")->check(CLI::ExistingFile);
  app.add_flag("--print-config", print_config, "Print the configuration that results, and exit");
  AddFlags(app, apply);
  CLI::App* dress =
      app.add_subcommand("dress-sdk", "Lay out the distribution's clang, lld and wasi-libc as a WASI SDK, and exit");
  CLI::App* probe =
      app.add_subcommand("probe", "Print the toolchains and runtimes that are found here as JSON, and exit");
  probe->fallthrough();
  dress->add_option("--dest", invocation.dress_destination, "Folder to make")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Wrong usage has one exit code in both programs.
    parsed.exit_code = app.exit(error) == 0 ? 0 : 2;
    return parsed;
  }
  if (*dress) {
    invocation.action = Invocation::Action::kDressSdk;
    return parsed;
  }
  if (!file.empty()) {
    ASSIGN_OR_RETURN(std::string text, platform::ReadFile(file, kMiB));
    RETURN_IF_ERROR(wasmagent::config::FillFromYaml(file, text, &invocation.config));
  }
  for (const auto& set : apply) set(invocation.config);
  FillDefaults(invocation.config);
  RETURN_IF_ERROR(CheckConfig(invocation.config));
  if (*probe) invocation.action = Invocation::Action::kProbe;
  if (print_config) invocation.action = Invocation::Action::kPrintConfig;
  return parsed;
}

}  // namespace wasmagent::agent
