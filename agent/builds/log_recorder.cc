#include "agent/builds/log_recorder.h"

#include "platform/status.h"

namespace wasmagent::builds {
namespace {

// Bytes of one event: what a pipe holds, and small beside gRPC's message limit.
constexpr size_t kChunk = 64 * 1024;

}  // namespace

absl::Status LogRecorder::Append(uint32_t step, std::string_view bytes, uint64_t omitted) {
  while (!bytes.empty()) {
    std::string_view chunk = bytes.substr(0, kChunk);
    wasmagent::v1::BuildEvent event;
    auto* log = event.mutable_log();
    log->set_step(step);
    log->set_offset(offset_);
    log->set_data(chunk.data(), chunk.size());
    log->set_omitted_before(std::exchange(omitted, 0));
    RETURN_IF_ERROR(build_.Emit(std::move(event)));
    offset_ += chunk.size();
    bytes.remove_prefix(chunk.size());
  }
  return absl::OkStatus();
}

absl::Status LogRecorder::Write(uint32_t step, std::string_view bytes) {
  absl::MutexLock lock(&mutex_);
  if (written_ < head_bytes_) {
    std::string_view head = bytes.substr(0, head_bytes_ - written_);
    RETURN_IF_ERROR(Append(step, head, 0));
    written_ += head.size();
    bytes.remove_prefix(head.size());
  }
  if (bytes.empty()) return absl::OkStatus();
  Tail& tail = tails_[step];
  tail.bytes.append(bytes);
  // Cut in large pieces, so that a long tail costs one move for each of its lengths.
  if (tail.bytes.size() > 2 * tail_bytes_) {
    size_t cut = tail.bytes.size() - tail_bytes_;
    tail.bytes.erase(0, cut);
    tail.omitted += cut;
  }
  return absl::OkStatus();
}

absl::Status LogRecorder::EndStep(uint32_t step) {
  absl::MutexLock lock(&mutex_);
  auto found = tails_.find(step);
  if (found == tails_.end()) return absl::OkStatus();
  Tail tail = std::move(found->second);
  tails_.erase(found);
  if (tail.bytes.size() > tail_bytes_) {
    tail.omitted += tail.bytes.size() - tail_bytes_;
    tail.bytes.erase(0, tail.bytes.size() - tail_bytes_);
  }
  offset_ += tail.omitted;
  return Append(step, tail.bytes, tail.omitted);
}

}  // namespace wasmagent::builds
