#include "agent/service/housekeeper.h"

#include <algorithm>

#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::service {
namespace {

// Between two looks at the store's size. A build adds tens of MB at most in that time, the budget is in GB.
constexpr absl::Duration kPeriod = absl::Seconds(30);
// A collection reads every Directory. One that left the store over its budget is repeated when leases and recent uses
// may have ended, not each time.
constexpr absl::Duration kPauseWhenStuck = absl::Minutes(10);

}  // namespace

Housekeeper::Housekeeper(store::BlobStore& store, workspace::WorkspacePool& workspaces, builds::BuildManager& manager,
                         ByteStreamService& uploads, const Activity& activity, absl::Duration idle_exit,
                         std::function<void()> exit)
    : store_(store),
      workspaces_(workspaces),
      manager_(manager),
      uploads_(uploads),
      activity_(activity),
      idle_exit_(idle_exit),
      started_(absl::Now()),
      exit_(std::move(exit)),
      thread_([this] { Run(); }) {}

Housekeeper::~Housekeeper() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

absl::Status Housekeeper::CollectWhenOverBudget(absl::Time now) {
  uint64_t budget = store_.options().budget_bytes;
  if (store_.Stats().bytes <= budget || now < next_collection_) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto keep, manager_.Roots());
  ASSIGN_OR_RETURN(auto result, store_.Collect(budget, keep));
  spdlog::info("store over its budget: removed {} blobs, {} MiB", result.removed_blobs, result.freed_bytes >> 20);
  uint64_t left = store_.Stats().bytes;
  if (left <= budget) return absl::OkStatus();
  next_collection_ = now + kPauseWhenStuck;
  spdlog::warn("the store has {} MiB that builds and clients use now, over its budget of {} MiB", left >> 20,
               budget >> 20);
  return absl::OkStatus();
}

bool Housekeeper::IsIdle(absl::Time now) const {
  if (idle_exit_ == absl::ZeroDuration() || activity_.open_calls > 0) return false;
  builds::Load load = manager_.CurrentLoad();
  if (load.running + load.queued > 0) return false;
  absl::Time last = std::max(started_, absl::FromUnixSeconds(activity_.last_unix_seconds));
  return now - last >= idle_exit_;
}

void Housekeeper::Round() {
  absl::Status collected = CollectWhenOverBudget(absl::Now());
  if (!collected.ok()) spdlog::warn("garbage collection: {}", std::string(collected.message()));
  store_.SaveUse();
  uploads_.DropOldUploads();
  // While a build runs it would wait for the flush of what it writes, and its workspace is flushed later anyway.
  if (manager_.CurrentLoad().running > 0) return;
  absl::Status flushed = workspaces_.Flush();
  if (!flushed.ok()) spdlog::warn("workspaces: {}", std::string(flushed.message()));
}

void Housekeeper::Run() {
  absl::Duration period = idle_exit_ > absl::ZeroDuration() ? std::min(kPeriod, idle_exit_) : kPeriod;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), period)) return;
    }
    Round();
    if (IsIdle(absl::Now())) {
      spdlog::info("nobody has used this agent for {}: it ends", absl::FormatDuration(idle_exit_));
      return exit_();
    }
  }
}

}  // namespace wasmagent::service
