// An agent in a container that has the checkout mounted.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/session/agent_address.h"
#include "client/session/agent_state.h"
#include "client/session/user_folders.h"

namespace wasmagent::client {

inline constexpr char kDefaultImage[] = "wasmagent:latest";

struct ContainerAgentOptions {
  UserFolders folders;
  std::string checkout;     // canonical path
  std::string checkout_id;  // names the container
  std::string image;        // empty for kDefaultImage
  std::string engine;       // "podman" or "docker"; empty for whichever works, podman first
  uid_t uid = 0;
  gid_t gid = 0;
  bool selinux = false;  // label mounts (":Z")
  // Reach the agent through a port on loopback: where containers live in a virtual machine, a socket does not cross its
  // border.
  bool published_port = false;
  // Engines that hang (a dead daemon's socket) are given up after this.
  absl::Duration engine_limit = absl::Seconds(10);
  absl::Duration start_limit = absl::Seconds(30);

  // uid, gid, selinux and published_port of the calling process and its machine.
  static ContainerAgentOptions ForCaller();
};

// A program of the image to run once, its standard streams the caller's.
struct ProgramRun {
  std::vector<std::string> argv;
  bool terminal = false;  // the streams are one
  std::string products;   // a folder to mount beside the checkout; empty when there is none
};

// Starts, finds and stops the container of one checkout. Costs nothing to make; every call but the paths runs engine
// commands.
class ContainerAgent {
 public:
  explicit ContainerAgent(ContainerAgentOptions options) : options_(std::move(options)) {}

  std::string ContainerName() const;
  // The socket on this side of the mount; answered when the agent runs.
  std::string SocketPath() const;
  std::string StateFolder() const;

  // The first engine that works; UNAVAILABLE says of each why it does not.
  absl::StatusOr<std::string> FindEngine() const;
  // The first that works and has the image; NOT_FOUND as CheckImage when one works and none has it.
  absl::StatusOr<std::string> FindEngineWithImage() const;
  // OK when the engine has the image; NOT_FOUND with the command that builds it.
  absl::Status CheckImage(const std::string& engine) const;
  // The address of the checkout's container, starting it if need be. Runs no engine command when its socket answers.
  // INVALID_ARGUMENT when it runs and is of another image or engine than the options name.
  absl::StatusOr<AgentAddress> EnsureRunning() const;
  // OK when the container that was started last is of the image and the engine that the options name, or they name
  // none; INVALID_ARGUMENT with the command that ends the other one.
  absl::Status CheckStarted() const;
  // Ends and removes it. It is no error when there is none.
  absl::Status Stop() const;
  absl::StatusOr<AgentState> State() const;

  // The command that runs a program of the image, the checkout mounted at its own path and the folder to run in.
  // UNAVAILABLE and NOT_FOUND as FindEngineWithImage.
  absl::StatusOr<std::vector<std::string>> RunInImage(const ProgramRun& run) const;
  // The same for an engine that is known. Exposed for the tests.
  std::vector<std::string> ProgramCommand(const std::string& engine, bool rootless, const ProgramRun& run) const;

  // The exact command that starts the container. `rootless`: the engine is a Docker daemon of the caller's own.
  std::vector<std::string> RunCommand(const std::string& engine, bool rootless = false) const;

 private:
  void AddUser(const std::string& engine, bool rootless, std::vector<std::string>& argv) const;
  std::string Image() const { return options_.image.empty() ? kDefaultImage : options_.image; }
  std::string SocketFolder() const;
  // Beside that folder: engine and image of the container that was started last, a line each.
  std::string StartedPath() const { return SocketFolder() + ".started"; }
  absl::Status NoteStarted(const std::string& engine) const;
  absl::StatusOr<AgentAddress> Running(const std::string& address) const;
  absl::Status CheckPath() const;
  absl::Status MakeFolders() const;
  // The first engine that works and suits; when none does, why not the first of those that work.
  absl::StatusOr<std::string> FindEngineThat(const std::function<absl::Status(const std::string&)>& suits) const;
  // OK when the engine has the checkout's container, NOT_FOUND when it has not.
  absl::Status CheckContainer(const std::string& engine) const;
  absl::Status Start(const std::string& engine, const std::vector<std::string>& command) const;
  absl::Status WaitUntilAnswering(const std::string& engine, const std::vector<std::string>& command) const;
  // Where the running container is reached.
  absl::StatusOr<std::string> ResolveAddress(const std::string& engine) const;
  absl::StatusOr<std::string> Engine(const std::string& engine, std::vector<std::string> arguments) const;
  AgentAddress Address(const std::string& address, bool started) const;

  ContainerAgentOptions options_;
};

}  // namespace wasmagent::client
