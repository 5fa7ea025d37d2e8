// wasmagent: reads its configuration, forks the launcher, starts the agent, waits for a signal.
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/main_log.h"
#include "agent/main_probe.h"
#include "agent/pipeline/toolchain.h"
#include "agent/sandbox/launcher.h"
#include "fmt/format.h"
#include "grpc/grpc.h"
#include "platform/status.h"
#include "proto/yaml_config.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace {

using wasmagent::agent::Invocation;

// One line an event on stderr: stdout is for results.
void SetUpLog(const wasmagent::config::v1::AgentConfig& config) {
  auto logger = spdlog::stderr_color_mt("wasmagent");
  logger->set_level(spdlog::level::from_str(config.log_level()));
  logger->flush_on(spdlog::level::trace);
  logger->set_formatter(wasmagent::agent::MakeLogFormatter(config.log_format()));
  spdlog::set_default_logger(logger);
}

// Deep trees, many watchers and many builds need more descriptors than the soft limit of a login, which is there for
// programs that use select(). Steps get a limit of their own.
void RaiseOpenFiles() {
  rlimit files;
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// Waits until the agent is told to end. UNAVAILABLE when it must end because its launcher died.
absl::Status AwaitEnd(const wasmagent::sandbox::Launcher& launcher, const sigset_t& signals) {
  while (true) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    if (signal != SIGCHLD) {
      spdlog::info("signal {}: builds that run are stopped, and run again at the next start", signal);
      return absl::OkStatus();
    }
    // Programs that are asked for their version are children too.
    if (!launcher.Alive()) {
      return absl::UnavailableError(
          "the launcher process died, by the kernel's out-of-memory killer or by somebody's hand; builds that ran run "
          "again at the next start");
    }
  }
}

absl::Status Serve(const wasmagent::config::v1::AgentConfig& config) {
  // Every thread inherits the mask, so that the signals come to this one.
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  RaiseOpenFiles();
  // Threads come and go with calls; an arena for each would keep what the busiest moment took.
  ::mallopt(M_ARENA_MAX, 2);
  ASSIGN_OR_RETURN_CTX(auto launcher, wasmagent::sandbox::StartLauncher(), "start the launcher");
  const wasmagent::sandbox::Launcher& watched = *launcher;  // the agent's, which outlives the wait
  ::sigaddset(&signals, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  SetUpLog(config);
  auto exit = [] { ::kill(::getpid(), SIGTERM); };
  // Never balanced: gRPC 1.51 may wait ten seconds when its last object goes, and the process ends anyway.
  grpc_init();
  ASSIGN_OR_RETURN(auto agent, wasmagent::agent::Agent::Start(config, std::move(launcher), exit));
  spdlog::info("wasmagent {} listens on {}", WASMAGENT_VERSION, fmt::join(agent->addresses(), ", "));
  return AwaitEnd(watched, signals);
}

absl::Status Main(int argc, char** argv, int& exit_code) {
  ASSIGN_OR_RETURN(auto parsed, wasmagent::agent::ParseCommandLine(argc, argv));
  if (parsed.exit_code >= 0) {
    exit_code = parsed.exit_code;
    return absl::OkStatus();
  }
  const Invocation& invocation = parsed.invocation;
  switch (invocation.action) {
    case Invocation::Action::kPrintConfig:
      std::fputs(wasmagent::config::ToYaml(invocation.config).c_str(), stdout);
      return absl::OkStatus();
    case Invocation::Action::kProbe:
      return wasmagent::agent::PrintProbe(invocation.config);
    case Invocation::Action::kDressSdk: {
      const char* path = std::getenv("PATH");
      return wasmagent::pipeline::DressSdk(invocation.dress_destination, path ? path : "/usr/bin:/bin");
    }
    case Invocation::Action::kServe:
      return Serve(invocation.config);
  }
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  absl::Status status = Main(argc, argv, exit_code);
  if (status.ok()) return exit_code;
  std::fprintf(stderr, "wasmagent: %s\n", std::string(status.message()).c_str());
  return status.code() == absl::StatusCode::kInvalidArgument || status.code() == absl::StatusCode::kPermissionDenied
             ? 2
             : 1;
}
