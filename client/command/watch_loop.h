// Watching a build from a terminal: events into a view, signals into decisions.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "client/session/agent_connection.h"
#include "client/view/build_view.h"
#include "platform/scoped_fd.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::client {

// Blocks the signals that the loop reads; called in main before any thread exists.
void BlockWatchSignals();
// Lets them act as they do by default again, for subcommands that do not watch.
void UnblockWatchSignals();
// For a subcommand that runs until it is ended: waits for one of them. They stay blocked.
void WaitForWatchSignal();

// Until there is something to watch nothing is lost by ending at once: while this lives, the signals end the program.
// With `advice`, which goes to stderr, it was a build that was about to begin: exit code 4. Without, exit code 128 plus
// the signal's number. Costs a thread.
class EndOnSignal {
 public:
  explicit EndOnSignal(std::string advice);
  ~EndOnSignal();
  EndOnSignal(const EndOnSignal&) = delete;
  EndOnSignal& operator=(const EndOnSignal&) = delete;

 private:
  platform::ScopedFd stop_;
  std::thread thread_;
};

struct BuildEnd {
  bool detached = false;          // watching stopped before the build's end; the build goes on without us
  int signal = 0;                 // what stopped it, unless the user chose to detach
  bool cancel_requested = false;  // and before that the build was to be cancelled
  wasmagent::v1::Ended ended;
  std::vector<wasmagent::v1::Artifacts> artifacts;
  std::vector<wasmagent::v1::EvidenceFile> evidence;
  std::vector<wasmagent::v1::TestResults> test_results;
  // Of all steps together: what the compiler cache served, and what it did not.
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
};

// Shows a build until it ends. Ctrl-C asks on a terminal whether to detach or to cancel, and a second one cancels;
// without a terminal it cancels; a third one does not wait for the end of what was cancelled. SIGTERM and SIGHUP
// detach: the build outlives its client.
absl::StatusOr<BuildEnd> WatchToEnd(AgentConnection& connection, const std::string& build_id, BuildView& view);

}  // namespace wasmagent::client
