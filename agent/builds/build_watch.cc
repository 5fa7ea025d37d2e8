#include "agent/builds/build_watch.h"

#include "platform/status.h"

namespace wasmagent::builds {
namespace {

// Well below gRPC's message limit of 4 MiB, and enough that a replay is not bound by messages.
constexpr size_t kBatchBytes = 256 * 1024;

}  // namespace

absl::StatusOr<std::unique_ptr<BuildWatch>> BuildWatch::OfLive(std::shared_ptr<LiveBuild> build,
                                                               uint64_t after_sequence, std::function<void()> wake) {
  ASSIGN_OR_RETURN_CTX(auto reader, JournalReader::Open(build->journal().path()), "watch the build");
  std::unique_ptr<BuildWatch> watch(new BuildWatch(std::move(reader), after_sequence));
  watch->watcher_ = build->AddWatcher(std::move(wake));
  watch->live_ = std::move(build);
  return watch;
}

absl::StatusOr<std::unique_ptr<BuildWatch>> BuildWatch::OfEnded(const std::string& journal_path,
                                                                wasmagent::v1::Build record, uint64_t after_sequence) {
  ASSIGN_OR_RETURN_CTX(auto reader, JournalReader::Open(journal_path), "read the build's journal");
  std::unique_ptr<BuildWatch> watch(new BuildWatch(std::move(reader), after_sequence));
  watch->record_ = std::move(record);
  return watch;
}

BuildWatch::~BuildWatch() {
  if (live_) live_->RemoveWatcher(watcher_);
}

absl::StatusOr<BuildWatch::Batch> BuildWatch::Next() {
  // Asked before the size is read: an end that is seen covers all events that were written before it.
  bool over = !live_ || live_->ended();
  uint64_t size = 0;
  if (live_) {
    size = live_->journal().size();
  } else {
    ASSIGN_OR_RETURN(size, reader_.FileSize());
  }
  Batch batch;
  ASSIGN_OR_RETURN_CTX(batch.events, reader_.Next(after_, size, kBatchBytes), "read the build's journal");
  if (!batch.events.empty() && batch.events.back().has_ended()) {
    batch.ended = true;
  } else if (over && batch.events.empty()) {
    batch.ended = true;
    // An end that could not be written to the journal (a full disk) is known to the record.
    wasmagent::v1::Build record = live_ ? live_->Record() : record_;
    if (!reader_.saw_end() && record.last_sequence() >= after_) {
      auto& event = batch.events.emplace_back();
      event.set_sequence(record.last_sequence() + 1);
      *event.mutable_time() = record.end_time();
      event.mutable_ended()->set_outcome(record.outcome());
      if (record.has_cause()) *event.mutable_ended()->mutable_cause() = record.cause();
    }
  }
  return batch;
}

}  // namespace wasmagent::builds
