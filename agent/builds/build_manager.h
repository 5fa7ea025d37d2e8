// The builds of an agent: accepted, queued, run, ended, remembered.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "agent/builds/build_runner.h"
#include "agent/builds/build_watch.h"
#include "agent/builds/live_build.h"
#include "agent/builds/record_store.h"
#include "platform/clock.h"

namespace wasmagent::builds {

struct ManagerOptions {
  std::string directory;  // records and journals
  uint32_t slots = 1;
  uint32_t queue_limit = 100;
  uint32_t history_limit = 1000;
  uint64_t min_free_bytes = uint64_t{1} << 30;
  // A build that was begun this often and never ended takes the agent down with it, or is caught in a restart loop.
  uint32_t most_attempts = 3;
  RunnerLimits limits;
};

// How busy the agent is.
struct Load {
  uint32_t running = 0;
  uint32_t queued = 0;
  bool draining = false;
};

// Owns records, journals, the queue and the threads that run builds, one for each slot. Thread-safe.
class BuildManager {
 public:
  // Opens the records and takes up what had not ended: queued builds wait again in their order, running ones run again.
  // Nothing runs before Run().
  static absl::StatusOr<std::unique_ptr<BuildManager>> Open(ManagerOptions options, RunnerParts parts,
                                                            const platform::Clock& clock);
  // As Stop, and waits for what runs.
  ~BuildManager();

  // Starts the slots; once, when nothing can keep the agent from serving any more.
  void Run();
  // Takes no more builds and stops what runs, without ending it: it runs again at the next start. Does not wait.
  void Stop();

  // Accepts a build, durable on return. A known id gives that build as it stands, whatever else the request says.
  absl::StatusOr<wasmagent::v1::Build> Start(const wasmagent::v1::BuildRequest& request);
  // Plans a build as Start would, without accepting it.
  absl::StatusOr<pipeline::Plan> PlanOf(const wasmagent::v1::BuildRequest& request);
  absl::StatusOr<wasmagent::v1::Build> Get(const std::string& id_or_prefix) const;
  absl::StatusOr<std::vector<wasmagent::v1::Build>> List(const std::string& checkout_id, bool active_only,
                                                         uint32_t limit) const;
  absl::StatusOr<wasmagent::v1::Build> Cancel(const std::string& id_or_prefix, const std::string& reason);
  // `wake` as for BuildWatch::OfLive.
  absl::StatusOr<std::unique_ptr<BuildWatch>> Watch(const std::string& id_or_prefix, uint64_t after_sequence,
                                                    std::function<void()> wake);

  void Drain(bool drain);
  Load CurrentLoad() const;
  // What must outlive a garbage collection: the trees that active builds need, the artifacts of the newest ended ones
  // that fit half of the store's budget, and the evidence of all as far as it fits an eighth. What belongs to older
  // builds goes when it was not used for the longest time.
  absl::StatusOr<std::vector<content::Digest>> Roots() const;

 private:
  BuildManager(ManagerOptions options, RunnerParts parts, std::unique_ptr<RecordStore> records,
               const platform::Clock& clock)
      : options_(std::move(options)), parts_(parts), records_(std::move(records)), clock_(clock) {}

  absl::Status Recover();
  absl::Status RecoverBuild(const wasmagent::v1::Build& record);
  absl::StatusOr<std::shared_ptr<LiveBuild>> MakeLive(const wasmagent::v1::Build& record);
  absl::Status MakeRoom(uint64_t bytes);
  absl::Status CheckCapacity() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RunSlot();
  void RunOne(const std::shared_ptr<LiveBuild>& build);
  bool CutShort(const LiveBuild& build, const Ending& ending);
  void TellQueue();
  void Prune();
  std::shared_ptr<LiveBuild> FindLive(const std::string& id) const;
  std::string JournalPath(const std::string& id) const { return options_.directory + "/journals/" + id; }

  const ManagerOptions options_;
  RunnerParts parts_;
  const std::unique_ptr<RecordStore> records_;
  const platform::Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, std::shared_ptr<LiveBuild>> live_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<LiveBuild>> queue_ ABSL_GUARDED_BY(mutex_);
  uint32_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Mutex start_mutex_;  // one Start at a time decides whether an id is new
  std::vector<std::thread> slots_;
};

}  // namespace wasmagent::builds
