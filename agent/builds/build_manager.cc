#include "agent/builds/build_manager.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "agent/builds/missing_blobs.h"
#include "agent/builds/request_check.h"
#include "agent/builds/store_source_tree.h"
#include "fmt/format.h"
#include "platform/directory.h"
#include "platform/file.h"
#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::builds {
namespace {

using wasmagent::v1::Build;
using wasmagent::v1::BuildEvent;
using wasmagent::v1::BuildRequest;

// The agent's own signal may come this much later than the one that ended a step, when both were meant for all
// processes (systemd, a shutdown). Nobody else waits for it: a step that ends so is rare.
constexpr absl::Duration kSignalSpread = absl::Seconds(1);

// True for an end that a signal for the whole agent can be the reason of.
bool MayBeFromOutside(const Ending& ending) {
  if (ending.outcome != wasmagent::v1::OUTCOME_FAILED || !ending.cause) return false;
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) {
    if (ending.cause->exit_code() == 128 + signal) return true;
  }
  // What make says when the signal met its recipe first: its own exit code is that of any failure.
  return absl::StrContains(ending.cause->summary() + ending.cause->excerpt(), "Terminated");
}

uint64_t SumOfSizes(const std::vector<content::Digest>& blobs) {
  uint64_t sum = 0;
  for (const content::Digest& blob : blobs) sum = blob.size > UINT64_MAX - sum ? UINT64_MAX : sum + blob.size;
  return sum;
}

void SetNow(absl::Time now, google::protobuf::Timestamp& to) {
  to.set_seconds(absl::ToUnixSeconds(now));
  to.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(now - absl::FromUnixSeconds(to.seconds()))));
}

}  // namespace

absl::StatusOr<std::unique_ptr<BuildManager>> BuildManager::Open(ManagerOptions options, RunnerParts parts,
                                                                 const platform::Clock& clock) {
  RETURN_IF_ERROR_CTX(platform::MakeDirectories(options.directory + "/journals", 0700), "build records");
  ASSIGN_OR_RETURN(auto records, RecordStore::Open(options.directory + "/builds.sqlite"));
  std::unique_ptr<BuildManager> manager(new BuildManager(std::move(options), parts, std::move(records), clock));
  RETURN_IF_ERROR_CTX(manager->Recover(), "take up the builds of the last run");
  return manager;
}

void BuildManager::Run() {
  for (uint32_t i = 0; i < options_.slots; ++i) slots_.emplace_back([this] { RunSlot(); });
}

void BuildManager::Stop() {
  absl::MutexLock lock(&mutex_);
  stopping_ = true;
  for (auto& [id, build] : live_) build->stop().Stop(sandbox::StopReason::kCancelled);
}

BuildManager::~BuildManager() {
  Stop();
  for (std::thread& slot : slots_) slot.join();
}

absl::StatusOr<std::shared_ptr<LiveBuild>> BuildManager::MakeLive(const Build& record) {
  ASSIGN_OR_RETURN(auto journal, Journal::Open(JournalPath(record.request().build_id()), clock_));
  return std::make_shared<LiveBuild>(record, std::move(journal), *records_);
}

absl::Status BuildManager::Recover() {
  ASSIGN_OR_RETURN(auto active, records_->Active());
  for (Build& record : active) {
    // One build that cannot be taken up, or told of, keeps no other from running; it is tried again at the next start.
    absl::Status status = RecoverBuild(record);
    if (!status.ok()) spdlog::error("take up build {}: {}", record.request().build_id(), std::string(status.message()));
  }
  return absl::OkStatus();
}

absl::Status BuildManager::RecoverBuild(const Build& record) {
  ASSIGN_OR_RETURN(auto build, MakeLive(record));
  if (const auto& end = build->journal().recovered_end()) {
    // It had ended; only its record was not written any more.
    return build->Update([&](Build& ended) {
      ended.set_state(wasmagent::v1::BUILD_STATE_ENDED);
      ended.set_outcome(end->outcome());
      if (end->has_cause()) *ended.mutable_cause() = end->cause();
      SetNow(clock_.Now(), *ended.mutable_end_time());
    });
  }
  if (record.cancel_requested()) return build->End(wasmagent::v1::OUTCOME_CANCELLED, std::nullopt);
  if (record.state() == wasmagent::v1::BUILD_STATE_RUNNING) {
    if (record.attempts() >= options_.most_attempts) {
      wasmagent::v1::Cause cause;
      cause.set_summary(fmt::format("the agent went down {} times while it ran this build", record.attempts()));
      cause.set_advice("See the agent's log; submit again when it is mended.");
      return build->End(wasmagent::v1::OUTCOME_INTERRUPTED, cause);
    }
    BuildEvent event;
    event.mutable_notice()->set_text("the agent was restarted while this build ran; it runs again from the start");
    // On a full disk neither can be written; the build is taken up all the same.
    absl::Status told = build->Emit(std::move(event));
    told.Update(build->Update([](Build& again) {
      again.set_state(wasmagent::v1::BUILD_STATE_QUEUED);
      again.clear_artifacts();
      again.clear_evidence();
      again.clear_test_results();
    }));
    if (!told.ok()) spdlog::error("build {}: {}", build->id(), std::string(told.message()));
  }
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(record.request().root()));
  build->lease = parts_.store.LeaseTree(root);
  absl::MutexLock lock(&mutex_);
  live_[build->id()] = build;
  // What ran comes first, as it had come first before; Active() is in the order of acceptance.
  queue_.push_back(build);
  return absl::OkStatus();
}

absl::Status BuildManager::CheckCapacity() {
  if (stopping_ || draining_)
    return absl::UnavailableError("the agent is draining and takes no new builds; try another one");
  if (queue_.size() >= options_.queue_limit) {
    return absl::ResourceExhaustedError(
        fmt::format("the queue is full: {} builds wait, which is the limit; try again later", queue_.size()));
  }
  return absl::OkStatus();
}

// Gives up what is only kept to be fast, least recently used first, until as much is free as must be and `bytes` more:
// nobody should have to tidy up before the next build. RESOURCE_EXHAUSTED when that is not enough.
absl::Status BuildManager::MakeRoom(uint64_t bytes) {
  const uint64_t wanted = bytes > UINT64_MAX - options_.min_free_bytes ? UINT64_MAX : options_.min_free_bytes + bytes;
  ASSIGN_OR_RETURN(const uint64_t total, platform::TotalBytes(options_.directory));
  if (bytes > total) {
    // Whatever were given up would not do.
    return absl::ResourceExhaustedError(
        fmt::format("{} MiB would be sent, and the agent's disk has {} MiB in all: a larger one is needed for {}",
                    bytes >> 20, total >> 20, options_.directory));
  }
  uint64_t removed = 0;
  ASSIGN_OR_RETURN(uint64_t free, platform::FreeBytes(options_.directory));
  while (free < wanted) {
    auto one = parts_.workspaces.RemoveOneIdle();
    if (!one.ok()) spdlog::warn("make room: {}", std::string(one.status().message()));
    if (one.ok() && !*one) break;
    removed += 1;
    ASSIGN_OR_RETURN(free, platform::FreeBytes(options_.directory));
  }
  if (removed > 0) spdlog::info("the disk is nearly full: gave up {} workspaces, {} MiB are free", removed, free >> 20);
  if (free >= wanted) return absl::OkStatus();
  uint64_t stored = parts_.store.Stats().bytes;
  uint64_t missing = wanted - free;
  ASSIGN_OR_RETURN(auto keep, Roots());
  ASSIGN_OR_RETURN(auto result, parts_.store.Collect(stored > missing ? stored - missing : 0, keep));
  ASSIGN_OR_RETURN(free, platform::FreeBytes(options_.directory));
  spdlog::info("the disk is nearly full: gave up {} blobs, {} MiB are free", result.removed_blobs, free >> 20);
  if (free >= wanted) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("the agent's disk has {} MiB left, {} MiB must stay free, and the agent has nothing more to give up: "
                  "free space on the disk of {}, or lower min_free_bytes",
                  free >> 20, wanted >> 20, options_.directory));
}

absl::StatusOr<pipeline::Plan> BuildManager::PlanOf(const BuildRequest& request) {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(request.root()));
  StoreSourceTree source(parts_.store, root);
  std::vector<std::string> targets(request.targets().begin(), request.targets().end());
  return parts_.planner.MakePlan(source, targets, PlanOptionsOf(request, options_.limits.jobs));
}

absl::StatusOr<Build> BuildManager::Start(const BuildRequest& request) {
  RETURN_IF_ERROR(CheckRequest(request));
  absl::MutexLock starting(&start_mutex_);
  if (auto live = FindLive(request.build_id())) return live->Record();
  auto known = records_->Get(request.build_id());
  // An id that cannot be looked up may be known: accepted again, it would run twice.
  if (!absl::IsNotFound(known.status())) return known;
  {
    absl::MutexLock lock(&mutex_);
    RETURN_IF_ERROR(CheckCapacity());
  }
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(request.root()));
  store::Lease lease = parts_.store.LeaseTree(root);
  RETURN_IF_ERROR(MakeRoom(0));
  ASSIGN_OR_RETURN(auto missing, parts_.store.MissingFromTree(root, kMostMissingBlobs));
  if (!missing.empty()) {
    // They come next, and would be refused for want of room that there is.
    RETURN_IF_ERROR(MakeRoom(SumOfSizes(missing)));
    return MissingBlobsError(missing);
  }
  ASSIGN_OR_RETURN(auto plan, PlanOf(request));

  Build record;
  *record.mutable_request() = request;
  record.set_state(wasmagent::v1::BUILD_STATE_QUEUED);
  SetNow(clock_.Now(), *record.mutable_create_time());
  ASSIGN_OR_RETURN(auto build, MakeLive(record));
  build->lease = std::move(lease);
  build->plan = std::move(plan);
  {
    // Before the record: whoever finds that finds the build.
    absl::MutexLock lock(&mutex_);
    live_[build->id()] = build;
  }
  const absl::Status accepted = records_->Put(record);
  {
    absl::MutexLock lock(&mutex_);
    if (accepted.ok()) queue_.push_back(build);
    if (!accepted.ok()) live_.erase(build->id());
  }
  if (!accepted.ok()) return platform::Annotate(accepted, "accept the build");
  spdlog::info("build {} accepted: {} of checkout {}", build->id(), fmt::join(request.targets(), ", "),
               request.checkout().id());
  TellQueue();
  return build->Record();
}

// Tells each waiting build its place. A build that a slot takes meanwhile gets one event too many, which does no harm.
void BuildManager::TellQueue() {
  std::vector<std::shared_ptr<LiveBuild>> waiting;
  uint32_t running;
  {
    absl::MutexLock lock(&mutex_);
    if (running_ + queue_.size() <= options_.slots) return;  // taken at once: there is no waiting to tell of
    waiting.assign(queue_.begin(), queue_.end());
    running = running_;
  }
  for (size_t i = 0; i < waiting.size(); ++i) {
    BuildEvent event;
    event.mutable_queued()->set_position(static_cast<uint32_t>(i) + 1);
    event.mutable_queued()->set_reason(fmt::format("{} of {} slots are busy", running, options_.slots));
    (void)waiting[i]->Emit(std::move(event));
  }
}

void BuildManager::RunSlot() {
  while (true) {
    std::shared_ptr<LiveBuild> build;
    {
      absl::MutexLock lock(&mutex_);
      auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_ || !queue_.empty(); };
      mutex_.Await(absl::Condition(&ready));
      // Without a launcher nothing runs: what waits is for the next agent.
      if (stopping_ || !parts_.launcher.Alive()) return;
      build = queue_.front();
      queue_.pop_front();
      ++running_;
    }
    RunOne(build);
    {
      absl::MutexLock lock(&mutex_);
      --running_;
      live_.erase(build->id());
    }
    build.reset();
    TellQueue();
    Prune();
  }
}

// True when the build ended because the agent stops or must stop: then it has not ended, and runs again.
bool BuildManager::CutShort(const LiveBuild& build, const Ending& ending) {
  if (ending.outcome == wasmagent::v1::OUTCOME_SUCCEEDED || build.Record().cancel_requested()) return false;
  if (!parts_.launcher.Alive()) return true;
  absl::MutexLock lock(&mutex_);
  if (MayBeFromOutside(ending)) mutex_.AwaitWithTimeout(absl::Condition(&stopping_), kSignalSpread);
  return stopping_;
}

void BuildManager::RunOne(const std::shared_ptr<LiveBuild>& build) {
  absl::Status started = build->Update([this](Build& record) {
    record.set_state(wasmagent::v1::BUILD_STATE_RUNNING);
    record.set_attempts(record.attempts() + 1);
    if (!record.has_start_time()) SetNow(clock_.Now(), *record.mutable_start_time());
  });
  spdlog::info("build {} starts, attempt {}", build->id(), build->Record().attempts());
  Ending ending;
  if (started.ok()) {
    BuildRunner runner(*build, parts_, options_.limits);
    ending = runner.Run();
  } else {
    ending.outcome = wasmagent::v1::OUTCOME_INTERRUPTED;
    ending.cause.emplace().set_summary(std::string(started.message()));
  }
  if (CutShort(*build, ending)) {
    // The agent's own stop says nothing against the build: only attempts that took the agent, or its launcher, down
    // count.
    if (!parts_.launcher.Alive()) return;
    absl::Status updated = build->Update([](Build& record) { record.set_attempts(record.attempts() - 1); });
    if (!updated.ok()) spdlog::error("build {}: {}", build->id(), std::string(updated.message()));
    return;
  }
  spdlog::info("build {} ended: {}", build->id(), wasmagent::v1::Outcome_Name(ending.outcome));
  // Whatever cannot be written here is on a disk that is full or broken; watchers learn the outcome from memory, and
  // the next start runs the build again.
  absl::Status recorded = build->End(ending.outcome, ending.cause);
  if (!recorded.ok()) spdlog::error("record the end of build {}: {}", build->id(), std::string(recorded.message()));
}

void BuildManager::Prune() {
  auto forgotten = records_->Prune(options_.history_limit);
  if (!forgotten.ok()) return;
  for (const std::string& id : *forgotten) ::unlink(JournalPath(id).c_str());
}

std::shared_ptr<LiveBuild> BuildManager::FindLive(const std::string& id) const {
  absl::MutexLock lock(&mutex_);
  auto found = live_.find(id);
  return found == live_.end() ? nullptr : found->second;
}

absl::StatusOr<Build> BuildManager::Get(const std::string& id_or_prefix) const {
  RETURN_IF_ERROR(CheckIdPrefix(id_or_prefix));
  ASSIGN_OR_RETURN(std::string id, records_->Resolve(id_or_prefix));
  if (auto build = FindLive(id)) return build->Record();
  return records_->Get(id);
}

absl::StatusOr<std::vector<Build>> BuildManager::List(const std::string& checkout_id, bool active_only,
                                                      uint32_t limit) const {
  ASSIGN_OR_RETURN(auto builds, records_->List(checkout_id, active_only, limit));
  for (Build& record : builds) {
    if (record.state() == wasmagent::v1::BUILD_STATE_ENDED) continue;
    if (auto build = FindLive(record.request().build_id())) record = build->Record();
  }
  return builds;
}

absl::StatusOr<Build> BuildManager::Cancel(const std::string& id_or_prefix, const std::string& reason) {
  RETURN_IF_ERROR(CheckIdPrefix(id_or_prefix));
  ASSIGN_OR_RETURN(std::string id, records_->Resolve(id_or_prefix));
  auto build = FindLive(id);
  if (!build) {
    ASSIGN_OR_RETURN(Build record, records_->Get(id));
    if (record.state() == wasmagent::v1::BUILD_STATE_ENDED) return record;
    // One that could not be taken up at the last start: the next one ends it.
    record.set_cancel_requested(true);
    RETURN_IF_ERROR_CTX(records_->Put(record), "record the wish to cancel");
    return record;
  }
  build->SetCancelReason(reason.empty() ? "cancelled" : fmt::format("cancelled: {}", reason));
  // On a full disk, which the build may be filling, it is stopped all the same; that the wish could not be written down
  // is told then.
  const absl::Status recorded = platform::Annotate(
      build->Update([](Build& record) { record.set_cancel_requested(true); }), "record the wish to cancel");
  bool waiting = false;
  {
    absl::MutexLock lock(&mutex_);
    auto place = std::find(queue_.begin(), queue_.end(), build);
    waiting = place != queue_.end();
    if (waiting) queue_.erase(place);
  }
  if (!waiting) {
    build->stop().Stop(sandbox::StopReason::kCancelled);
    RETURN_IF_ERROR(recorded);
    return build->Record();
  }
  wasmagent::v1::Cause cause;
  cause.set_summary(build->cancel_reason());
  const absl::Status ended = build->End(wasmagent::v1::OUTCOME_CANCELLED, cause);
  {
    // Until it has ended, watchers must find it.
    absl::MutexLock lock(&mutex_);
    live_.erase(id);
  }
  RETURN_IF_ERROR(ended);
  TellQueue();
  return build->Record();
}

absl::StatusOr<std::unique_ptr<BuildWatch>> BuildManager::Watch(const std::string& id_or_prefix,
                                                                uint64_t after_sequence, std::function<void()> wake) {
  RETURN_IF_ERROR(CheckIdPrefix(id_or_prefix));
  ASSIGN_OR_RETURN(std::string id, records_->Resolve(id_or_prefix));
  if (auto build = FindLive(id)) return BuildWatch::OfLive(std::move(build), after_sequence, std::move(wake));
  ASSIGN_OR_RETURN(Build record, records_->Get(id));
  if (record.state() != wasmagent::v1::BUILD_STATE_ENDED) {
    return absl::UnavailableError(
        fmt::format("build {} has not ended, and this agent does not run it now; its next start takes it up", id));
  }
  return BuildWatch::OfEnded(JournalPath(id), std::move(record), after_sequence);
}

void BuildManager::Drain(bool drain) {
  absl::MutexLock lock(&mutex_);
  draining_ = drain;
}

Load BuildManager::CurrentLoad() const {
  absl::MutexLock lock(&mutex_);
  return {running_, static_cast<uint32_t>(queue_.size()), draining_};
}

absl::StatusOr<std::vector<content::Digest>> BuildManager::Roots() const {
  std::vector<content::Digest> roots;
  ASSIGN_OR_RETURN(auto builds, records_->List("", false, options_.history_limit));
  uint64_t left = parts_.store.options().budget_bytes / 2;
  // A config.log or test report has a MB: this is enough for all builds that are remembered, unless they are meant to
  // fill the disk.
  uint64_t evidence_left = parts_.store.options().budget_bytes / 8;
  for (const Build& build : builds) {  // newest first
    bool active = build.state() != wasmagent::v1::BUILD_STATE_ENDED;
    auto root = content::Digest::FromProto(build.request().root());
    if (root.ok() && active) roots.push_back(*root);
    auto keep_file = [&](const build::bazel::remote::execution::v2::Digest& digest) {
      auto file = content::Digest::FromProto(digest);
      if (!file.ok() || file->size > evidence_left) return;
      evidence_left -= file->size;
      roots.push_back(*file);
    };
    for (const auto& evidence : build.evidence()) keep_file(evidence.digest());
    for (const auto& results : build.test_results()) keep_file(results.report());
    for (const auto& artifacts : build.artifacts()) {
      if (!active && artifacts.bytes() > left) left = 0;  // nor any that is older
      if (!active && left == 0) break;
      if (!active) left -= artifacts.bytes();
      auto made = content::Digest::FromProto(artifacts.root());
      if (made.ok()) roots.push_back(*made);
    }
  }
  return roots;
}

}  // namespace wasmagent::builds
