// The process that starts all others. It is forked from the agent before any thread exists, is single-threaded, talks
// over a socketpair, and kills everything it started when the agent's end closes.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/sandbox/command.h"
#include "agent/sandbox/stop_token.h"

namespace wasmagent::sandbox {

// Receives output; called from the thread that runs the command, with at most 64 KiB at a time, stdout and stderr in
// the order in which they were written. What follows a call within 10 ms is gathered and comes in one, unless that call
// was given all of 64 KiB or the command ends.
using OutputSink = std::function<absl::Status(std::string_view)>;

// Runs commands. Thread-safe: several can run at once.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // Runs a command to its end: the leader has exited and no process of its tree is left. A stop, or `deadline`, sends
  // TERM to the tree, waits `grace`, sends KILL, and waits until it is empty. An error of `sink` stops the command
  // likewise and is returned. NOT_FOUND or PERMISSION_DENIED, with the name, when argv[0] cannot be started;
  // UNAVAILABLE when the launcher died.
  virtual absl::StatusOr<CommandResult> Run(const Command& command, const OutputSink& sink, StopToken& stop,
                                            absl::Time deadline, absl::Duration grace) = 0;
  // False once the launcher process has died, which it never does of itself: nothing can be run any more, and the agent
  // must end so that whatever watches it starts a new one. SIGCHLD tells of it.
  virtual bool Alive() const = 0;
};

// Forks the launcher process. Must be called before the agent starts its first thread (checked: FAILED_PRECONDITION).
absl::StatusOr<std::unique_ptr<Launcher>> StartLauncher();

}  // namespace wasmagent::sandbox
