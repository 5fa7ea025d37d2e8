// An agent as a process of the calling user, for a machine that has the SDK itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/session/agent_address.h"
#include "client/session/agent_state.h"
#include "client/session/user_folders.h"

namespace wasmagent::client {

class ProcessHandle;

struct EmbeddedAgentOptions {
  UserFolders folders;
  // The checkout, which the agent may then read by itself; empty for none. An agent that runs already keeps its own:
  // files of other checkouts are uploaded.
  std::string checkout;
  // The wasmagent program; empty looks beside wasmctl, in the build tree, and on PATH.
  std::string program;
  // Where wasmctl lies; empty asks /proc/self/exe.
  std::string own_program;
  // After a crash it first removes what was half done, and it asks compilers for their versions: on a loaded machine
  // that takes its time. A program that ends is noticed at once.
  absl::Duration start_limit = absl::Seconds(60);
  // A running build gets its grace before the agent ends.
  absl::Duration stop_limit = absl::Seconds(40);
  // It ends by itself when nobody has used it for so long.
  uint32_t idle_exit_seconds = 900;
};

// Starts, finds and stops the user's embedded agent. One per user: its state folder is locked. A value; costs nothing
// to make.
class EmbeddedAgent {
 public:
  explicit EmbeddedAgent(EmbeddedAgentOptions options) : options_(std::move(options)) {}

  std::string SocketPath() const;
  std::string StateFolder() const;
  std::string LogPath() const;

  // The wasmagent program; NOT_FOUND lists where it was looked for.
  absl::StatusOr<std::string> FindProgram() const;
  // The address of the agent that runs, starting one if need be. Two callers at once start one. The error of an agent
  // that died shows the end of its log.
  absl::StatusOr<AgentAddress> EnsureRunning() const;
  // Ends it and waits until it has. It is no error when none runs.
  absl::Status Stop() const;
  absl::StatusOr<AgentState> State() const;

  // The exact command that starts it.
  std::vector<std::string> Command(const std::string& program) const;

 private:
  absl::Status WaitUntilAnswering(const ProcessHandle& process, uint64_t log_start) const;
  AgentAddress Address(bool started) const;

  EmbeddedAgentOptions options_;
};

}  // namespace wasmagent::client
