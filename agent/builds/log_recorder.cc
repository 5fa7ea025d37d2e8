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
  if (written_ < head_bytes_) {
    std::string_view head = bytes.substr(0, head_bytes_ - written_);
    RETURN_IF_ERROR(Append(step, head, 0));
    written_ += head.size();
    bytes.remove_prefix(head.size());
  }
  if (bytes.empty()) return absl::OkStatus();
  tail_.append(bytes);
  // Cut in large pieces, so that a long tail costs one move for each of its lengths.
  if (tail_.size() > 2 * tail_bytes_) {
    size_t cut = tail_.size() - tail_bytes_;
    tail_.erase(0, cut);
    omitted_ += cut;
  }
  return absl::OkStatus();
}

absl::Status LogRecorder::EndStep(uint32_t step) {
  if (tail_.size() > tail_bytes_) {
    omitted_ += tail_.size() - tail_bytes_;
    tail_.erase(0, tail_.size() - tail_bytes_);
  }
  std::string tail = std::exchange(tail_, "");
  uint64_t omitted = std::exchange(omitted_, 0);
  offset_ += omitted;
  return Append(step, tail, omitted);
}

}  // namespace wasmagent::builds
