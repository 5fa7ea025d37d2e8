// One watcher's place in a build's journal.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/builds/journal.h"
#include "agent/builds/live_build.h"
#include "wasmagent/v1/build_event.pb.h"

namespace wasmagent::builds {

// Reads a build's events in order, from the file: a slow or absent reader costs neither memory nor build time.
// Thread-compatible.
class BuildWatch {
 public:
  // For a build that runs, or is queued. `wake` is called after each new event, from the thread that made it, and must
  // not block.
  static absl::StatusOr<std::unique_ptr<BuildWatch>> OfLive(std::shared_ptr<LiveBuild> build, uint64_t after_sequence,
                                                            std::function<void()> wake);
  // For a build that has ended.
  static absl::StatusOr<std::unique_ptr<BuildWatch>> OfEnded(const std::string& journal_path,
                                                             wasmagent::v1::Build record, uint64_t after_sequence);
  ~BuildWatch();

  // Leaves the log out from now on.
  void SkipLog() { reader_.SkipLog(); }

  struct Batch {
    std::vector<wasmagent::v1::BuildEvent> events;
    bool ended = false;  // nothing comes after these
  };
  // The next events, about 256 KiB at most; none when there are none yet.
  absl::StatusOr<Batch> Next();

 private:
  BuildWatch(JournalReader reader, uint64_t after_sequence) : reader_(std::move(reader)), after_(after_sequence) {}

  JournalReader reader_;
  const uint64_t after_;
  std::shared_ptr<LiveBuild> live_;
  LiveBuild::Watcher watcher_;
  wasmagent::v1::Build record_;  // of an ended build
};

}  // namespace wasmagent::builds
