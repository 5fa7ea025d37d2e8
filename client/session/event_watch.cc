#include "client/session/event_watch.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "absl/time/clock.h"
#include "client/session/agent_calls.h"
#include "client/session/agent_stubs.h"
#include "fmt/format.h"
#include "grpcpp/completion_queue.h"
#include "platform/status.h"

namespace wasmagent::client {
namespace {

using wasmagent::v1::BuildEvent;
using wasmagent::v1::WatchBuildResponse;

constexpr absl::Duration kFirstPause = absl::Milliseconds(50);
// Broken streams in a row, from an agent that does answer, that bring no event: it will not get better.
constexpr int kMostFruitlessAnswers = 10;

// One WatchBuild call with at most one operation on its way, so that waiting for the queue is waiting for the stream.
class EventStream {
 public:
  EventStream(wasmagent::v1::BuildService::Stub& stub, const wasmagent::v1::WatchBuildRequest& request)
      : reader_(stub.AsyncWatchBuild(&context_, request, &queue_, this)) {}
  ~EventStream() {
    context_.TryCancel();
    queue_.Shutdown();
    void* tag;
    bool ok;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  enum class Step { kNothingYet, kMessage, kEnd };
  // Waits for the next message, at most for `limit`.
  Step Wait(absl::Duration limit) {
    auto deadline = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(limit);
    while (true) {
      void* tag;
      bool ok = false;
      if (queue_.AsyncNext(&tag, &ok, deadline) != grpc::CompletionQueue::GOT_EVENT) return Step::kNothingYet;
      if (state_ == State::kFinishing) return Step::kEnd;
      bool message = state_ == State::kReading && ok;
      if (message) {
        message_ = std::move(incoming_);
        incoming_.Clear();
      }
      if (ok) {
        state_ = State::kReading;
        reader_->Read(&incoming_, this);
      } else {
        state_ = State::kFinishing;
        reader_->Finish(&status_, this);
      }
      if (message) return Step::kMessage;
    }
  }
  const WatchBuildResponse& message() const { return message_; }
  const grpc::Status& status() const { return status_; }

 private:
  enum class State { kStarting, kReading, kFinishing };
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  WatchBuildResponse incoming_, message_;
  grpc::Status status_;
  State state_ = State::kStarting;
  std::unique_ptr<grpc::ClientAsyncReader<WatchBuildResponse>> reader_;
};

// What can pass: the connection, or the agent behind it, came to an end.
bool MayPass(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return true;
    default:
      return false;
  }
}

// One WatchBuild of ours, over many of gRPC's.
class Watch {
 public:
  Watch(AgentConnection& connection, const std::string& build_id, const WatchOptions& options)
      : connection_(connection), options_(options), next_tick_(absl::Now() + options.tick) {
    request_.set_build_id(build_id);
    request_.set_no_follow(!options.follow);
    request_.set_without_log(options.without_log);
    end_.last_sequence = options.after_sequence;
  }

  absl::StatusOr<WatchEnd> Run() {
    while (true) {
      absl::Status broken = FollowOneStream();
      if (done_) return end_;
      if (broken.ok()) {
        // Before its end a stream ends well only when it was asked to, or when there was nothing left to tell.
        if (!options_.follow) return end_;
        if (EndedBefore()) return end_;
        broken = absl::UnavailableError(
            fmt::format("the agent at {} ended the stream before the build", connection_.address()));
      }
      RETURN_IF_ERROR(Endure(broken));
      if (done_) return end_;
    }
  }

 private:
  // Ticks when it is time to; true when the caller wants to stop.
  bool TickAndAskStop() {
    if (absl::Now() < next_tick_) return false;
    if (options_.on_tick) options_.on_tick();
    next_tick_ = absl::Now() + options_.tick;
    done_ = options_.stop && options_.stop();
    return done_;
  }

  // Until the stream ends, the build does, or the caller says so (done_).
  absl::Status FollowOneStream() {
    request_.set_after_sequence(end_.last_sequence);
    EventStream stream(*connection_.stubs().builds, request_);
    while (true) {
      auto step = stream.Wait(std::max(next_tick_ - absl::Now(), absl::ZeroDuration()));
      if (step == EventStream::Step::kEnd) {
        if (stream.status().error_code() != grpc::StatusCode::UNAVAILABLE) connection_.SetAnswered();
        return FromGrpcStatus(stream.status(), connection_.address());
      }
      if (step == EventStream::Step::kMessage) {
        RETURN_IF_ERROR(Take(stream.message()));
        if (done_) return absl::OkStatus();
      }
      if (TickAndAskStop()) return absl::OkStatus();
    }
  }

  absl::Status Take(const WatchBuildResponse& message) {
    connection_.SetAnswered();
    for (const BuildEvent& event : message.events()) {
      if (event.sequence() <= end_.last_sequence) continue;  // seen before
      if (event.sequence() != end_.last_sequence + 1 && !options_.without_log) {
        return absl::AbortedError(fmt::format("the agent at {} sent event {} after event {}", connection_.address(),
                                              event.sequence(), end_.last_sequence));
      }
      end_.last_sequence = event.sequence();
      Recovered();
      if (options_.on_event) options_.on_event(event);
      if (!event.has_ended()) continue;
      end_.ended = event;
      done_ = true;
      return absl::OkStatus();
    }
    return absl::OkStatus();
  }

  void Recovered() {
    fruitless_ = 0;
    pause_ = kFirstPause;
    if (lost_since_ == absl::InfiniteFuture()) return;
    lost_since_ = absl::InfiniteFuture();
    if (options_.on_notice) {
      options_.on_notice({WatchNotice::Kind::kBack, fmt::format("the agent at {} is back", connection_.address())});
    }
  }

  // After a broken stream: returns the error when it is final, else waits a while.
  absl::Status Endure(const absl::Status& broken) {
    if (!MayPass(broken.code())) return broken;
    if (!connection_.answered()) return broken;
    if (broken.code() != absl::StatusCode::kUnavailable && ++fruitless_ >= kMostFruitlessAnswers) {
      if (broken.code() != absl::StatusCode::kAborted) return broken;
      return absl::DataLossError(fmt::format("{}, {} times in a row", std::string(broken.message()), fruitless_));
    }
    if (lost_since_ == absl::InfiniteFuture()) {
      lost_since_ = absl::Now();
      if (options_.on_notice) {
        options_.on_notice({WatchNotice::Kind::kLost,
                            fmt::format("lost the agent at {}; the build goes on there, trying again for {}",
                                        connection_.address(), absl::FormatDuration(options_.give_up_after))});
      }
    }
    if (absl::Now() - lost_since_ >= options_.give_up_after) {
      return platform::Annotate(broken, fmt::format("gave up after {}, the build may still go on ('wasmctl watch {}')",
                                                    absl::FormatDuration(options_.give_up_after), request_.build_id()));
    }
    for (absl::Time until = absl::Now() + pause_; absl::Now() < until;) {
      absl::SleepFor(std::min(until - absl::Now(), std::max(next_tick_ - absl::Now(), absl::Milliseconds(1))));
      if (TickAndAskStop()) return absl::OkStatus();
    }
    pause_ = std::min(pause_ * 2, options_.longest_pause);
    return absl::OkStatus();
  }

  // True when the last event was seen by an earlier watch: there is no other that could come.
  bool EndedBefore() {
    auto build = GetBuild(connection_, request_.build_id());
    if (!build.ok() || build->state() != wasmagent::v1::BUILD_STATE_ENDED) return false;
    if (build->last_sequence() > end_.last_sequence) return false;
    BuildEvent event;
    event.set_sequence(build->last_sequence());
    event.mutable_ended()->set_outcome(build->outcome());
    *event.mutable_time() = build->end_time();
    if (build->has_cause()) *event.mutable_ended()->mutable_cause() = build->cause();
    end_.ended = std::move(event);
    return true;
  }

  AgentConnection& connection_;
  const WatchOptions& options_;
  wasmagent::v1::WatchBuildRequest request_;
  WatchEnd end_;
  bool done_ = false;
  absl::Time next_tick_;
  absl::Time lost_since_ = absl::InfiniteFuture();
  absl::Duration pause_ = kFirstPause;
  int fruitless_ = 0;
};

}  // namespace

absl::StatusOr<WatchEnd> WatchBuild(AgentConnection& connection, const std::string& build_id,
                                    const WatchOptions& options) {
  return Watch(connection, build_id, options).Run();
}

}  // namespace wasmagent::client
