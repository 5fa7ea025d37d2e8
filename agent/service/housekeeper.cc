#include "agent/service/housekeeper.h"

#include <algorithm>

#include "platform/status.h"
#include "spdlog/spdlog.h"

namespace wasmagent::service {
namespace {

// Between two looks at the store's size. A build adds tens of MB at most in that time, the budget is in GB.
constexpr absl::Duration kPeriod = absl::Seconds(30);

}  // namespace

Housekeeper::Housekeeper(store::BlobStore& store, builds::BuildManager& manager, const Activity& activity,
                         absl::Duration idle_exit, std::function<void()> exit)
    : store_(store),
      manager_(manager),
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

absl::Status Housekeeper::CollectWhenOverBudget() {
  uint64_t budget = store_.options().budget_bytes;
  if (store_.Stats().bytes <= budget) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto keep, manager_.Roots());
  ASSIGN_OR_RETURN(auto result, store_.Collect(budget, keep));
  spdlog::info("store over its budget: removed {} blobs, {} MiB", result.removed_blobs, result.freed_bytes >> 20);
  return absl::OkStatus();
}

bool Housekeeper::IsIdle(absl::Time now) const {
  if (idle_exit_ == absl::ZeroDuration() || activity_.open_calls > 0) return false;
  builds::Load load = manager_.CurrentLoad();
  if (load.running + load.queued > 0) return false;
  absl::Time last = std::max(started_, absl::FromUnixSeconds(activity_.last_unix_seconds));
  return now - last >= idle_exit_;
}

void Housekeeper::Run() {
  absl::Duration period = idle_exit_ > absl::ZeroDuration() ? std::min(kPeriod, idle_exit_) : kPeriod;
  while (true) {
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithTimeout(absl::Condition(&stopping_), period)) return;
    }
    absl::Status collected = CollectWhenOverBudget();
    if (!collected.ok()) spdlog::warn("garbage collection: {}", std::string(collected.message()));
    store_.SaveUse();
    if (IsIdle(absl::Now())) {
      spdlog::info("nobody has used this agent for {}: it ends", absl::FormatDuration(idle_exit_));
      return exit_();
    }
  }
}

}  // namespace wasmagent::service
