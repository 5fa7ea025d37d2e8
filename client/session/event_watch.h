// Following a build's events to its end, over as many connections as that takes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/session/agent_connection.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::client {

// What became of the connection while watching.
struct WatchNotice {
  enum class Kind { kLost, kBack };
  Kind kind = Kind::kLost;
  std::string text;  // one line for people
};

// How to watch. All callbacks come on the thread that called WatchBuild.
struct WatchOptions {
  uint64_t after_sequence = 0;  // events after this one; 0 for all
  bool follow = true;           // false: end at the newest event
  bool without_log = false;     // leave the log out; then the events' numbers have gaps
  // Every event once, in order; without a gap unless the log is left out.
  std::function<void(const wasmagent::v1::BuildEvent&)> on_event;
  // About ten times a second, for a view's clock.
  std::function<void()> on_tick;
  // Asked with every tick: true ends the watching, not the build.
  std::function<bool()> stop;
  std::function<void(const WatchNotice&)> on_notice;
  absl::Duration tick = absl::Milliseconds(100);
  // How long an agent that was there before is waited for.
  absl::Duration give_up_after = absl::Minutes(10);
  // Longest pause between two attempts.
  absl::Duration longest_pause = absl::Seconds(2);
};

// How watching ended.
struct WatchEnd {
  std::optional<wasmagent::v1::BuildEvent> ended;  // the build's last event; unset when stopped or not followed
  uint64_t last_sequence = 0;                      // where a later watch goes on
};

// Blocks until the build has ended or `stop` says so. A cut stream is taken up again after the last event. UNAVAILABLE
// when the agent stays away (at once when it never answered), NOT_FOUND for an unknown build, DATA_LOSS when events
// stay missing.
absl::StatusOr<WatchEnd> WatchBuild(AgentConnection& connection, const std::string& build_id,
                                    const WatchOptions& options);

}  // namespace wasmagent::client
