#include "agent/builds/live_build.h"

#include "agent/builds/valid_text.h"
#include "platform/status.h"

namespace wasmagent::builds {

using wasmagent::v1::Build;
using wasmagent::v1::BuildEvent;

Build LiveBuild::Record() const {
  absl::MutexLock lock(&mutex_);
  Build record = record_;
  record.set_last_sequence(journal_->last_sequence());
  return record;
}

absl::Status LiveBuild::Emit(BuildEvent event) {
  // A power cut may take the last log lines and steps, not the start, the artifacts or the end; a killed agent loses
  // nothing, since what was written is the kernel's.
  bool durable = event.has_ended() || event.has_artifacts() || event.has_started();
  {
    absl::MutexLock lock(&append_mutex_);
    if (last_appended_) return absl::OkStatus();
    RETURN_IF_ERROR(journal_->Append(std::move(event), durable));
  }
  Wake();
  return absl::OkStatus();
}

void LiveBuild::Change(const std::function<void(Build&)>& change) {
  absl::MutexLock lock(&mutex_);
  change(record_);
}

absl::Status LiveBuild::Update(const std::function<void(Build&)>& change) {
  // Saved in the order of the changes: an older copy must not replace the end that another thread saved meanwhile.
  absl::MutexLock saving(&save_mutex_);
  Build copy;
  {
    absl::MutexLock lock(&mutex_);
    change(record_);
    MakeTextValid(record_);
    record_.set_last_sequence(journal_->last_sequence());
    copy = record_;
  }
  return records_.Put(copy);
}

absl::Status LiveBuild::End(wasmagent::v1::Outcome outcome, const std::optional<wasmagent::v1::Cause>& cause) {
  BuildEvent event;
  event.mutable_ended()->set_outcome(outcome);
  if (cause) *event.mutable_ended()->mutable_cause() = *cause;
  absl::Status journaled;
  {
    absl::MutexLock lock(&append_mutex_);
    last_appended_ = true;
    journaled = journal_->Append(std::move(event), /*durable=*/true);
  }
  absl::Time now = absl::Now();
  absl::Status recorded = Update([&](Build& record) {
    record.set_state(wasmagent::v1::BUILD_STATE_ENDED);
    record.set_outcome(outcome);
    if (cause) *record.mutable_cause() = *cause;
    record.mutable_end_time()->set_seconds(absl::ToUnixSeconds(now));
  });
  {
    absl::MutexLock lock(&mutex_);
    ended_ = true;
  }
  Wake();
  RETURN_IF_ERROR(journaled);
  return recorded;
}

bool LiveBuild::ended() const {
  absl::MutexLock lock(&mutex_);
  return ended_;
}

void LiveBuild::SetCancelReason(const std::string& reason) {
  absl::MutexLock lock(&mutex_);
  if (cancel_reason_.empty()) cancel_reason_ = reason;
}

std::string LiveBuild::cancel_reason() const {
  absl::MutexLock lock(&mutex_);
  return cancel_reason_;
}

LiveBuild::Watcher LiveBuild::AddWatcher(std::function<void()> wake) {
  absl::MutexLock lock(&watchers_mutex_);
  return watchers_.insert(watchers_.end(), std::move(wake));
}

void LiveBuild::RemoveWatcher(Watcher watcher) {
  absl::MutexLock lock(&watchers_mutex_);
  watchers_.erase(watcher);
}

void LiveBuild::Wake() {
  absl::MutexLock lock(&watchers_mutex_);
  for (const auto& wake : watchers_) wake();
}

}  // namespace wasmagent::builds
