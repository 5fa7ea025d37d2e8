#include "agent/builds/build_runner.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "agent/builds/store_source_tree.h"
#include "agent/builds/synced_event.h"
#include "agent/builds/target_schedule.h"
#include "fmt/format.h"
#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::builds {
namespace {

using pipeline::PlannedTarget;
using wasmagent::v1::BuildEvent;

// Progress of a sync is told at most this often; a terminal shows no more.
constexpr absl::Duration kProgressPeriod = absl::Milliseconds(100);

// The targets that run, a thread each, and those that have ended. Joins what it has started.
class RunningTargets {
 public:
  RunningTargets(SharedBuild& shared, const pipeline::Plan& plan) : shared_(shared), plan_(plan) {
    threads_.resize(plan.targets.size());
  }
  ~RunningTargets() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  struct Ended {
    size_t target;
    std::optional<Ending> ending;
  };

  void Start(size_t target) {
    ++running_;
    threads_[target] = std::thread([this, target] {
      std::optional<Ending> ending = TargetRunner(shared_, plan_.targets[target]).Run();
      absl::MutexLock lock(&mutex_);
      ended_.push_back({target, std::move(ending)});
    });
  }
  bool any() const { return running_ > 0; }
  // Waits for the next one to end.
  Ended Wait() {
    absl::MutexLock lock(&mutex_);
    auto some = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return !ended_.empty(); };
    mutex_.Await(absl::Condition(&some));
    Ended first = std::move(ended_.front());
    ended_.erase(ended_.begin());
    --running_;
    return first;
  }

 private:
  SharedBuild& shared_;
  const pipeline::Plan& plan_;
  size_t running_ = 0;
  absl::Mutex mutex_;
  std::vector<Ended> ended_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace

pipeline::PlanOptions PlanOptionsOf(const wasmagent::v1::BuildRequest& request, int default_jobs) {
  const auto& options = request.options();
  pipeline::PlanOptions plan;
  plan.jobs = options.jobs() > 0 ? static_cast<int>(options.jobs()) : default_jobs;
  plan.force = options.force();
  pipeline::TargetOptions& asked = plan.asked;
  asked.env.insert(options.env().begin(), options.env().end());
  asked.configure_args.assign(options.configure_args().begin(), options.configure_args().end());
  asked.make_args.assign(options.make_args().begin(), options.make_args().end());
  asked.action = options.action();
  asked.action_args.assign(options.action_args().begin(), options.action_args().end());
  return plan;
}

Ending BuildRunner::Run() {
  auto ending = RunSteps();
  if (ending.ok()) {
    if (ending->keep_workspace) workspace_->Keep();
    return *std::move(ending);
  }
  Ending failed = EndingOf(ending.status());
  if (failed.outcome == wasmagent::v1::OUTCOME_INTERRUPTED) {
    spdlog::error("build {} could not be carried out: {}", build_.id(), std::string(ending.status().ToString()));
  }
  return failed;
}

absl::StatusOr<Ending> BuildRunner::RunSteps() {
  RETURN_IF_ERROR(MakePlan());
  RETURN_IF_ERROR(TellRemarks());
  RETURN_IF_ERROR(AcquireWorkspace());
  RETURN_IF_ERROR(Sync());
  RETURN_IF_ERROR(PrepareBuildDirectories());
  RETURN_IF_ERROR(LayLinks());
  SetDeadline();
  if (auto ending = RunTargets()) return *std::move(ending);
  return Ending{wasmagent::v1::OUTCOME_SUCCEEDED, std::nullopt, /*keep_workspace=*/true};
}

absl::Status BuildRunner::MakePlan() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  lease_ = parts_.store.LeaseTree(root);
  if (build_.plan) {
    plan_ = *std::move(build_.plan);
    build_.plan.reset();
    return absl::OkStatus();
  }
  StoreSourceTree source(parts_.store, root);
  std::vector<std::string> targets(build_.request().targets().begin(), build_.request().targets().end());
  ASSIGN_OR_RETURN_CTX(plan_, parts_.planner.MakePlan(source, targets, PlanOptionsOf(build_.request(), limits_.jobs)),
                       "plan the build");
  return absl::OkStatus();
}

absl::Status BuildRunner::TellRemarks() {
  std::vector<std::string> remarks = plan_.remarks;
  for (const PlannedTarget& target : plan_.targets) {
    if (!target.sdk_choice.empty()) remarks.push_back(fmt::format("{}: {}", target.name, target.sdk_choice));
  }
  for (const std::string& remark : remarks) {
    BuildEvent event;
    event.mutable_notice()->set_text(remark);
    RETURN_IF_ERROR(build_.Emit(std::move(event)));
  }
  return absl::OkStatus();
}

absl::Status BuildRunner::AcquireWorkspace() {
  ASSIGN_OR_RETURN_CTX(workspace_, parts_.workspaces.Acquire(build_.request().checkout(), build_.id()),
                       "take a workspace");
  build_.Change([this](wasmagent::v1::Build& record) {
    record.set_workspace(workspace_->name());
    for (const PlannedTarget& target : plan_.targets)
      (*record.mutable_build_directories())[target.name] = target.build_directory;
  });
  BuildEvent event;
  event.mutable_started()->set_attempt(build_.Record().attempts());
  event.mutable_started()->set_warm(workspace_->warm());
  event.mutable_started()->set_workspace(workspace_->name());
  spdlog::info("build {} takes workspace {}, {}", build_.id(), workspace_->name(), workspace_->warm() ? "warm" : "new");
  return build_.Emit(std::move(event));
}

absl::Status BuildRunner::Sync() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  absl::Time last = absl::InfinitePast();
  workspace::SyncStats stats;
  RETURN_IF_ERROR(workspace_->Sync(parts_.store, root, &stats, [&](uint64_t done, uint64_t total) {
    absl::Time now = absl::Now();
    if (now - last < kProgressPeriod && done < total) return;
    last = now;
    BuildEvent event;
    event.mutable_progress()->set_activity("sync");
    event.mutable_progress()->set_done(done);
    event.mutable_progress()->set_total(total);
    event.mutable_progress()->set_unit("files");
    // Progress that cannot be written is a full disk, which the sync itself will say.
    (void)build_.Emit(std::move(event));
  }));
  tree_untouched_ = tree_untouched_ && stats.kept == stats.files && stats.removed == 0;
  if (shared_) shared_->tree_untouched = tree_untouched_;
  // A sync after this one only brings back what went with a build dir.
  if (std::exchange(told_synced_, true)) return absl::OkStatus();
  BuildEvent event;
  *event.mutable_synced() = SyncedEvent(stats, workspace_->warm(), workspace_->reason());
  return build_.Emit(std::move(event));
}

absl::Status BuildRunner::PrepareBuildDirectories() {
  ASSIGN_OR_RETURN(auto root, content::Digest::FromProto(build_.request().root()));
  ASSIGN_OR_RETURN(auto directories, BuildDirectories::Open(*workspace_, plan_, root, parts_.store.DirectoryReader()));
  RETURN_IF_ERROR(directories.Prepare(build_.request().options().clean(), [this] { return Sync(); }));
  shared_ = std::make_unique<SharedBuild>(build_, parts_, limits_, *workspace_, std::move(directories));
  shared_->sync = [this] { return Sync(); };
  shared_->tree_untouched = tree_untouched_;
  return absl::OkStatus();
}

absl::Status BuildRunner::LayLinks() {
  for (const PlannedTarget& target : plan_.targets) {
    for (const pipeline::TemporaryLink& link : target.links) {
      RETURN_IF_ERROR_CTX(workspace_->LinkTemporary(link.path, link.target),
                          fmt::format("lay the links that target {} needs", target.name));
    }
  }
  return absl::OkStatus();
}

void BuildRunner::SetDeadline() {
  absl::Duration timeout = limits_.timeout;
  if (build_.request().options().has_timeout()) {
    const auto& wanted = build_.request().options().timeout();
    timeout = absl::Seconds(wanted.seconds()) + absl::Nanoseconds(wanted.nanos());
  }
  shared_->deadline = absl::Now() + timeout;
}

// Runs each target after its needs, and those that do not get into each other's way side by side. The first failure is
// the build's: what runs is finished then, as make does it, and nothing new is begun.
std::optional<Ending> BuildRunner::RunTargets() {
  const int jobs = PlanOptionsOf(build_.request(), limits_.jobs).jobs;
  TargetSchedule schedule(plan_, jobs, [this](const PlannedTarget& target) {
    absl::MutexLock lock(&shared_->mutex);
    return shared_->directories.AmongSources(target);
  });
  // Only then do targets have less than all jobs.
  shared_->side_by_side = std::any_of(plan_.targets.begin(), plan_.targets.end(),
                                      [jobs](const PlannedTarget& target) { return target.jobs < jobs; });
  std::optional<Ending> failure;
  bool keep = true;
  RunningTargets running(*shared_, plan_);
  while (true) {
    while (!failure) {
      const auto next = schedule.Take();
      if (!next) break;
      running.Start(*next);
    }
    if (!running.any()) break;
    auto ended = running.Wait();
    schedule.End(ended.target, !ended.ending);
    if (!ended.ending) continue;
    shared_->winding_up = true;
    keep = keep && ended.ending->keep_workspace;
    if (!failure) failure = std::move(ended.ending);
  }
  if (failure) failure->keep_workspace = keep;
  return failure;
}

}  // namespace wasmagent::builds
