#include "client/session/container_agent.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/file_lock.h"
#include "platform/run_program.h"
#include "platform/shell_quote.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

// Folders and port inside the image; images/Containerfile makes them.
constexpr char kSocketMount[] = "/run/wasmagent";
constexpr char kStateMount[] = "/var/lib/wasmagent";
constexpr char kSocketInside[] = "unix:/run/wasmagent/agent.sock";
constexpr char kPortInside[] = "7890";
constexpr absl::Duration kFirstPause = absl::Milliseconds(20);
constexpr absl::Duration kLongestPause = absl::Milliseconds(200);
// Between two questions to the engine whether the container still runs; each takes it tens of milliseconds.
constexpr absl::Duration kBetweenLooks = absl::Milliseconds(500);
// An engine stops a container with its own grace; it gets that and some more.
constexpr absl::Duration kStopLimit = absl::Seconds(60);
// Pulling in layers, SELinux labels on a large checkout.
constexpr absl::Duration kRunLimit = absl::Minutes(2);

bool Contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// Of an engine that may be given with its path.
std::string NameOf(const std::string& engine) { return engine.substr(engine.rfind('/') + 1); }

// The engines' words for "there is no such container".
bool SaysNoContainer(const platform::ProgramResult& result) {
  return Contains(result.err, "No such container") || Contains(result.err, "no such container") ||
         Contains(result.err, "no container with name") || Contains(result.err, "No such object");
}

// Docker whose daemon runs as the caller says so among its security options.
bool IsRootlessDocker(const std::string& engine, absl::Duration limit) {
  if (!engine.ends_with("docker")) return false;
  auto info = platform::RunProgram({engine, "info", "--format", "{{.SecurityOptions}}"}, {.limit = limit});
  return info.ok() && Contains(info->out, "name=rootless");
}

}  // namespace

ContainerAgentOptions ContainerAgentOptions::ForCaller() {
  ContainerAgentOptions options;
  options.uid = ::getuid();
  options.gid = ::getgid();
  options.selinux = ::access("/sys/fs/selinux/enforce", F_OK) == 0;
#ifndef __linux__
  options.published_port = true;
#endif
  return options;
}

std::string ContainerAgent::ContainerName() const { return "wasmagent-" + options_.checkout_id; }
std::string ContainerAgent::SocketFolder() const {
  return options_.folders.SocketFolder() + "/" + options_.checkout_id;
}
std::string ContainerAgent::SocketPath() const { return SocketFolder() + "/agent.sock"; }
std::string ContainerAgent::StateFolder() const {
  return options_.folders.cache + "/wasmagent-container/" + options_.checkout_id;
}

absl::StatusOr<std::string> ContainerAgent::FindEngine() const {
  return FindEngineThat([](const std::string&) { return absl::OkStatus(); });
}

absl::StatusOr<std::string> ContainerAgent::FindEngineWithImage() const {
  return FindEngineThat([this](const std::string& engine) { return CheckImage(engine); });
}

absl::StatusOr<std::string> ContainerAgent::FindEngineThat(
    const std::function<absl::Status(const std::string&)>& suits) const {
  std::vector<std::string> names = {"podman", "docker"};
  if (!options_.engine.empty()) names = {options_.engine};
  std::string why;
  absl::Status unsuited;
  for (const std::string& name : names) {
    std::string program = FindOnPath(name, options_.folders.path);
    std::string problem = "not installed";
    if (!program.empty()) {
      auto info = platform::RunProgram({program, "info"}, {.limit = options_.engine_limit});
      if (info.ok() && info->exit_code == 0) {
        absl::Status suited = suits(program);
        if (suited.ok()) return program;
        unsuited.Update(suited);
        continue;
      }
      problem =
          fmt::format("'{} info' says: {}", name, info.ok() ? info->Message() : std::string(info.status().message()));
    }
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", name, problem);
  }
  RETURN_IF_ERROR(unsuited);
  return absl::UnavailableError("no container engine works: " + why);
}

absl::Status ContainerAgent::CheckImage(const std::string& engine) const {
  std::vector<std::string> argv = {engine, "image", "inspect", "--format", "{{.Id}}", Image()};
  ASSIGN_OR_RETURN(auto result, platform::RunProgram(argv, {.limit = options_.engine_limit}));
  if (result.exit_code == 0) return absl::OkStatus();
  return absl::NotFoundError(fmt::format("{} has no image {}: {}; './dev image' in wasmagent's sources builds it",
                                         engine, Image(), result.Message()));
}

absl::Status ContainerAgent::CheckContainer(const std::string& engine) const {
  std::vector<std::string> argv = {engine, "container", "inspect", "--format", "{{.Id}}", ContainerName()};
  ASSIGN_OR_RETURN(auto result, platform::RunProgram(argv, {.limit = options_.engine_limit}));
  if (result.exit_code == 0) return absl::OkStatus();
  if (SaysNoContainer(result)) return absl::NotFoundError(result.Message());
  return absl::UnavailableError(fmt::format("{} does not tell of its containers: {}", engine, result.Message()));
}

std::vector<std::string> ContainerAgent::RunCommand(const std::string& engine, bool rootless) const {
  std::string label = options_.selinux ? ":Z" : "";
  std::vector<std::string> argv = {engine, "run", "--detach", "--name", ContainerName()};
  AddUser(engine, rootless, argv);
  if (options_.published_port) {
    argv.insert(argv.end(), {"--publish", fmt::format("127.0.0.1::{}", kPortInside)});
  } else {
    argv.insert(argv.end(), {"--network", "none"});
  }
  argv.insert(argv.end(), {"--volume", fmt::format("{0}:{0}:ro{1}", options_.checkout, options_.selinux ? ",Z" : "")});
  if (!options_.published_port) argv.insert(argv.end(), {"--volume", SocketFolder() + ":" + kSocketMount + label});
  argv.insert(argv.end(), {"--volume", StateFolder() + ":" + kStateMount + label, Image()});
  if (options_.published_port) {
    // Beyond the container's own loopback, but published on this machine's only.
    argv.insert(argv.end(), {"--listen", fmt::format("0.0.0.0:{}", kPortInside), "--insecure-listen"});
  } else {
    argv.insert(argv.end(), {"--listen", kSocketInside});
  }
  argv.insert(argv.end(), {"--state-directory", kStateMount, "--bind-root", options_.checkout});
  return argv;
}

std::vector<std::string> ContainerAgent::ProgramCommand(const std::string& engine, bool rootless,
                                                        const ProgramRun& run) const {
  std::vector<std::string> argv = {engine, "run", "--rm", "--interactive"};
  if (run.terminal) argv.push_back("--tty");
  AddUser(engine, rootless, argv);
  std::vector<std::string> folders = {options_.checkout};
  if (!run.products.empty()) folders.push_back(run.products);
  for (const std::string& folder : folders) {
    // Shared (":z"), unlike an agent's: several programs may run at once.
    argv.insert(argv.end(), {"--volume", fmt::format("{0}:{0}{1}", folder, options_.selinux ? ":z" : "")});
  }
  argv.insert(argv.end(), {"--workdir", options_.checkout, "--entrypoint", run.argv.front(), Image()});
  argv.insert(argv.end(), run.argv.begin() + 1, run.argv.end());
  return argv;
}

// The caller's own user, so that what is written is the caller's.
void ContainerAgent::AddUser(const std::string& engine, bool rootless, std::vector<std::string>& argv) const {
  // Where the daemon is the caller's own, root inside is the caller outside, and every other user is a stranger.
  argv.insert(argv.end(), {"--user", rootless ? "0:0" : fmt::format("{}:{}", options_.uid, options_.gid)});
  // Without it rootless podman gives the caller's files to root inside, and `--user` is somebody else.
  if (engine.ends_with("podman") && options_.uid != 0) argv.push_back("--userns=keep-id");
}

absl::StatusOr<std::vector<std::string>> ContainerAgent::RunInImage(const ProgramRun& run) const {
  for (const std::string& path : {options_.checkout, run.products}) {
    if (path.find(':') == std::string::npos) continue;
    return absl::InvalidArgumentError(fmt::format("{}: container engines cannot mount a path with a colon", path));
  }
  ASSIGN_OR_RETURN(const std::string engine, FindEngineWithImage());
  return ProgramCommand(engine, IsRootlessDocker(engine, options_.engine_limit), run);
}

absl::Status ContainerAgent::CheckPath() const {
  if (!options_.checkout.starts_with('/')) return absl::InvalidArgumentError("a container needs a checkout to mount");
  for (const std::string& path : {options_.checkout, SocketFolder(), StateFolder()}) {
    if (path.find(':') == std::string::npos) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{}: container engines cannot mount a path with a colon; use another folder, or '--agent embedded'", path));
  }
  return absl::OkStatus();
}

absl::Status ContainerAgent::MakeFolders() const {
  RETURN_IF_ERROR_CTX(MakePrivateFolder(options_.folders.SocketFolder()), "folder for agents' sockets");
  RETURN_IF_ERROR_CTX(MakePrivateFolder(SocketFolder()), "folder for the agent's socket");
  return platform::Annotate(platform::MakeDirectories(StateFolder(), 0700), "folder for the agent's state");
}

AgentAddress ContainerAgent::Address(const std::string& address, bool started) const {
  return {address, fmt::format("container {} at {}{}", ContainerName(), address, started ? " (started now)" : ""),
          options_.checkout};
}

absl::Status ContainerAgent::NoteStarted(const std::string& engine) const {
  return platform::WriteFileAtomically(StartedPath(), fmt::format("{}\n{}\n", NameOf(engine), Image()), 0600,
                                       /*durable=*/false);
}

absl::Status ContainerAgent::CheckStarted() const {
  const auto text = platform::ReadFile(StartedPath());
  if (!text.ok()) return absl::OkStatus();  // not told: no reason to refuse it
  const std::vector<std::string> lines = absl::StrSplit(*text, '\n');
  if (lines.size() < 2) return absl::OkStatus();
  const bool same = (options_.engine.empty() || NameOf(options_.engine) == lines[0]) &&
                    (options_.image.empty() || options_.image == lines[1]);
  if (same) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("container {} of this checkout runs {} in {}, and not {} in {}; end it first\n  try: wasmctl "
                  "--engine {} agent down",
                  ContainerName(), lines[1], lines[0], options_.image.empty() ? lines[1] : options_.image,
                  options_.engine.empty() ? lines[0] : options_.engine, lines[0]));
}

// Of a container that runs.
absl::StatusOr<AgentAddress> ContainerAgent::Running(const std::string& address) const {
  RETURN_IF_ERROR(CheckStarted());
  return Address(address, false);
}

// Runs the engine and returns its stdout; its own words and the command when it fails.
absl::StatusOr<std::string> ContainerAgent::Engine(const std::string& engine,
                                                   std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), engine);
  ASSIGN_OR_RETURN(auto result, platform::RunProgram(arguments, {.limit = options_.engine_limit}));
  if (result.exit_code == 0) return result.out;
  return absl::UnavailableError(
      fmt::format("{}\nThe command was: {}", result.Message(), platform::ShellText(arguments)));
}

absl::StatusOr<std::string> ContainerAgent::ResolveAddress(const std::string& engine) const {
  if (!options_.published_port) return "unix:" + SocketPath();
  ASSIGN_OR_RETURN(std::string out, Engine(engine, {"port", ContainerName(), std::string(kPortInside) + "/tcp"}));
  std::string line = out.substr(0, out.find_first_of("\r\n"));
  RETURN_IF_ERROR_CTX(CheckAddress(line), "the container's published port");
  return line;
}

absl::Status ContainerAgent::Start(const std::string& engine, const std::vector<std::string>& command) const {
  // One that was stopped, or that a restart of the machine left behind, has the name still.
  ASSIGN_OR_RETURN(auto removed,
                   platform::RunProgram({engine, "rm", "--force", ContainerName()}, {.limit = kStopLimit}));
  if (removed.exit_code != 0 && !SaysNoContainer(removed)) {
    return absl::UnavailableError(
        fmt::format("cannot remove the old container {}: {}", ContainerName(), removed.Message()));
  }
  ASSIGN_OR_RETURN(auto run, platform::RunProgram(command, {.limit = kRunLimit}));
  if (run.exit_code == 0) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("the container did not start: {}\nThe command was: {}", run.Message(), platform::ShellText(command)));
}

absl::Status ContainerAgent::WaitUntilAnswering(const std::string& engine,
                                                const std::vector<std::string>& command) const {
  absl::Time start = absl::Now(), look = start + kBetweenLooks;
  absl::Duration pause = kFirstPause;
  std::string what = fmt::format("did not answer within {}", absl::FormatDuration(options_.start_limit));
  while (absl::Now() < start + options_.start_limit) {
    if (!options_.published_port && ProbeSocket(SocketPath()).ok()) return absl::OkStatus();
    if (absl::Now() >= look || options_.published_port) {
      auto running = Engine(engine, {"container", "inspect", "--format", "{{.State.Running}}", ContainerName()});
      if (running.ok() && !running->starts_with("true")) {
        what = "ended right after its start";
        break;
      }
      // A published port accepts before the agent does; the first call then tells.
      if (running.ok() && options_.published_port) return absl::OkStatus();
      look = absl::Now() + kBetweenLooks;
    }
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
  auto log = platform::RunProgram({engine, "logs", "--tail", "20", ContainerName()}, {.limit = options_.engine_limit});
  return absl::UnavailableError(
      fmt::format("the agent in container {} {}; it said:\n{}\nThe command was: {}", ContainerName(), what,
                  log.ok() ? log->Message() : std::string(log.status().message()), platform::ShellText(command)));
}

absl::StatusOr<AgentAddress> ContainerAgent::EnsureRunning() const {
  RETURN_IF_ERROR(CheckPath());
  if (!options_.published_port && ProbeSocket(SocketPath()).ok()) return Running("unix:" + SocketPath());
  ASSIGN_OR_RETURN(std::string engine, FindEngineWithImage());
  RETURN_IF_ERROR(MakeFolders());
  // Whoever comes second waits here, and finds the container running.
  ASSIGN_OR_RETURN_CTX(auto lock, platform::FileLock::Acquire(SocketFolder() + ".lock"), "start the agent's container");
  if (!options_.published_port && ProbeSocket(SocketPath()).ok()) return Running("unix:" + SocketPath());
  if (options_.published_port) {
    auto running = Engine(engine, {"container", "inspect", "--format", "{{.State.Running}}", ContainerName()});
    auto address = running.ok() && running->starts_with("true") ? ResolveAddress(engine) : running;
    if (address.ok() && running->starts_with("true")) return Running(*address);
  }
  const std::vector<std::string> command = RunCommand(engine, IsRootlessDocker(engine, options_.engine_limit));
  RETURN_IF_ERROR(Start(engine, command));
  RETURN_IF_ERROR_CTX(NoteStarted(engine), "note which container was started");
  RETURN_IF_ERROR(WaitUntilAnswering(engine, command));
  ASSIGN_OR_RETURN(std::string address, ResolveAddress(engine));
  return Address(address, true);
}

absl::Status ContainerAgent::Stop() const {
  auto found = FindEngineThat([this](const auto& program) { return CheckContainer(program); });
  if (absl::IsNotFound(found.status())) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string engine, std::move(found));
  // TERM first, so that the agent writes down what it was at; `rm --force` alone would kill it.
  std::vector<std::string> argv = {engine, "stop", "--time", "30", ContainerName()};
  ASSIGN_OR_RETURN(auto stopped, platform::RunProgram(argv, {.limit = kStopLimit}));
  if (stopped.exit_code != 0 && SaysNoContainer(stopped)) return absl::OkStatus();
  argv = {engine, "rm", "--force", ContainerName()};
  ASSIGN_OR_RETURN(auto removed, platform::RunProgram(argv, {.limit = kStopLimit}));
  if (removed.exit_code == 0 || SaysNoContainer(removed)) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("{}\nThe command was: {}", removed.Message(), platform::ShellText(argv)));
}

absl::StatusOr<AgentState> ContainerAgent::State() const {
  AgentState state;
  state.address = "unix:" + SocketPath();
  auto engine = FindEngineThat([this](const auto& program) { return CheckContainer(program); });
  if (!engine.ok()) {
    auto able = FindEngineWithImage();
    state.detail = able.ok() ? fmt::format("container {}, not there; 'wasmctl agent up' starts it", ContainerName())
                             : fmt::format("container agent, not possible: {}", std::string(able.status().message()));
    return state;
  }
  auto status = Engine(*engine, {"container", "inspect", "--format", "{{.State.Status}}", ContainerName()});
  RETURN_IF_ERROR(status.status());
  std::string word = status->substr(0, status->find_first_of("\r\n"));
  if (options_.published_port && word == "running") {
    ASSIGN_OR_RETURN(state.address, ResolveAddress(*engine));
    state.running = true;
  } else {
    state.running = ProbeSocket(SocketPath()).ok();
  }
  state.detail = fmt::format("container {} ({}), {}, checkout {}", ContainerName(), Image(), word, options_.checkout);
  return state;
}

}  // namespace wasmagent::client
