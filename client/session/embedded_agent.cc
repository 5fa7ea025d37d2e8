#include "client/session/embedded_agent.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "absl/time/clock.h"
#include "client/session/detached_process.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/file_lock.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// The log is put aside when it has grown to this.
constexpr uint64_t kLongestLog = 8 << 20;
constexpr size_t kShownLogLines = 15;
constexpr absl::Duration kFirstPause = absl::Milliseconds(5);
constexpr absl::Duration kLongestPause = absl::Milliseconds(100);

std::string FolderOf(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string OwnProgram() {
  std::unique_ptr<char, decltype(&::free)> real(::realpath("/proc/self/exe", nullptr), &::free);
  return real ? real.get() : "";
}

uint64_t SizeOf(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

// The last lines that were written to the log after `start`, indented.
std::string LogSince(const std::string& path, uint64_t start) {
  auto text = platform::ReadFile(path, 2 * kLongestLog);
  if (!text.ok() || text->size() <= start) return "it wrote nothing to " + path;
  std::string_view rest = std::string_view(*text).substr(start);
  while (rest.ends_with('\n')) rest.remove_suffix(1);
  size_t from = rest.size();
  for (size_t line = 0; line < kShownLogLines && from != std::string_view::npos && from > 0; ++line) {
    from = rest.rfind('\n', from - 1);
  }
  if (from != std::string_view::npos && from > 0) rest.remove_prefix(from + 1);
  return fmt::format("the end of {}:\n{}", path, rest);
}

}  // namespace

std::string EmbeddedAgent::SocketPath() const { return options_.folders.SocketFolder() + "/embedded.sock"; }
std::string EmbeddedAgent::StateFolder() const { return options_.folders.cache + "/wasmagent"; }
std::string EmbeddedAgent::LogPath() const { return StateFolder() + "/embedded.log"; }

absl::StatusOr<std::string> EmbeddedAgent::FindProgram() const {
  std::vector<std::string> places;
  if (!options_.program.empty()) {
    places = {options_.program};
  } else {
    std::string folder = FolderOf(options_.own_program.empty() ? OwnProgram() : options_.own_program);
    places = {folder + "/wasmagent", FolderOf(folder) + "/agent/wasmagent"};
  }
  for (const std::string& place : places) {
    std::string found = FindOnPath(place, "");
    if (!found.empty()) return found;
  }
  std::string found = options_.program.empty() ? FindOnPath("wasmagent", options_.folders.path) : "";
  if (!found.empty()) return found;
  return absl::NotFoundError(fmt::format("no wasmagent program at {}{}", fmt::join(places, ", "),
                                         options_.program.empty() ? ", nor on PATH" : ""));
}

std::vector<std::string> EmbeddedAgent::Command(const std::string& program) const {
  std::vector<std::string> argv = {program, "--listen", "unix:" + SocketPath(), "--state-directory", StateFolder()};
  if (!options_.checkout.empty()) argv.insert(argv.end(), {"--bind-root", options_.checkout});
  argv.insert(argv.end(), {"--idle-exit-seconds", std::to_string(options_.idle_exit_seconds)});
  return argv;
}

AgentAddress EmbeddedAgent::Address(bool started) const {
  std::string address = "unix:" + SocketPath();
  // What an agent that was there before may read is for it to say.
  return {address, fmt::format("embedded agent at {}{}", address, started ? " (started now)" : ""),
          started ? options_.checkout : ""};
}

absl::StatusOr<AgentAddress> EmbeddedAgent::EnsureRunning() const {
  if (ProbeSocket(SocketPath()).ok()) return Address(false);
  ASSIGN_OR_RETURN(std::string program, FindProgram());
  RETURN_IF_ERROR_CTX(MakePrivateFolder(FolderOf(SocketPath())), "folder for the embedded agent's socket");
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(StateFolder(), 0700), "folder for the embedded agent's state");
  // Whoever comes second waits here, and finds the agent running.
  ASSIGN_OR_RETURN_CTX(auto lock, platform::FileLock::Acquire(FolderOf(SocketPath()) + "/embedded.lock"),
                       "start the embedded agent");
  if (ProbeSocket(SocketPath()).ok()) return Address(false);
  if (SizeOf(LogPath()) > kLongestLog) (void)std::rename(LogPath().c_str(), (LogPath() + ".1").c_str());
  uint64_t log_start = SizeOf(LogPath());
  ASSIGN_OR_RETURN_CTX(auto process, StartDetached(Command(program), LogPath()), "start the embedded agent");
  RETURN_IF_ERROR(WaitUntilAnswering(process, log_start));
  return Address(true);
}

absl::Status EmbeddedAgent::WaitUntilAnswering(const ProcessHandle& process, uint64_t log_start) const {
  absl::Duration pause = kFirstPause;
  for (absl::Time deadline = absl::Now() + options_.start_limit; absl::Now() < deadline;) {
    if (ProbeSocket(SocketPath()).ok()) return absl::OkStatus();
    if (process.WaitForEnd(pause)) {
      return absl::UnavailableError(
          fmt::format("the embedded agent ended right after its start; {}", LogSince(LogPath(), log_start)));
    }
    pause = std::min(pause * 2, kLongestPause);
  }
  (void)process.Signal(SIGTERM);
  return absl::UnavailableError(fmt::format("the embedded agent did not listen on {} within {}; {}", SocketPath(),
                                            absl::FormatDuration(options_.start_limit),
                                            LogSince(LogPath(), log_start)));
}

absl::Status EmbeddedAgent::Stop() const {
  auto pid = ListenerPid(SocketPath());
  if (absl::IsNotFound(pid.status()) || absl::IsUnavailable(pid.status())) return absl::OkStatus();
  RETURN_IF_ERROR_CTX(pid.status(), "find the embedded agent's process");
  auto process = ProcessHandle::Open(*pid);
  if (absl::IsNotFound(process.status())) return absl::OkStatus();
  RETURN_IF_ERROR_CTX(process.status(), "stop the embedded agent");
  RETURN_IF_ERROR_CTX(process->Signal(SIGTERM), "stop the embedded agent");
  if (process->WaitForEnd(options_.stop_limit)) return absl::OkStatus();
  return absl::DeadlineExceededError(
      fmt::format("the embedded agent (process {}) has not ended within {} of SIGTERM; its log is {}", *pid,
                  absl::FormatDuration(options_.stop_limit), LogPath()));
}

absl::StatusOr<AgentState> EmbeddedAgent::State() const {
  AgentState state;
  state.address = "unix:" + SocketPath();
  auto pid = ListenerPid(SocketPath());
  state.running = pid.ok();
  if (pid.ok()) {
    state.detail = fmt::format("embedded agent, process {}, log {}", *pid, LogPath());
    return state;
  }
  auto program = FindProgram();
  state.detail = program.ok()
                     ? fmt::format("embedded agent, not running; the next submit starts {}", *program)
                     : fmt::format("embedded agent, not possible: {}", std::string(program.status().message()));
  return state;
}

}  // namespace wasmagent::client
