#include "agent/service/build_service.h"

#include <memory>

#include "absl/synchronization/mutex.h"
#include "agent/service/status_conversion.h"
#include "agent/service/unary.h"
#include "platform/status.h"

namespace wasmagent::service {
namespace {

using wasmagent::v1::WatchBuildRequest;
using wasmagent::v1::WatchBuildResponse;

// Builds that one ListBuilds answers when the client does not say, and at most.
constexpr uint32_t kDefaultListed = 50;
constexpr uint32_t kMostListed = 1000;

// One WatchBuild call. Reads the journal on the pool, one message at a time: the next is read when gRPC has taken the
// last, so a slow client costs nothing but its own message. Owns itself from Begin to OnDone; pool tasks and the
// build's wake hold it, too.
class Watcher final : public grpc::ServerWriteReactor<WatchBuildResponse>,
                      public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(builds::BuildManager& manager, platform::WorkerPool& pool, const WatchBuildRequest& request)
      : manager_(manager), pool_(pool), request_(request) {}

  void Begin() {
    self_ = shared_from_this();
    pool_.Run([self = self_] { self->Open(); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok || last_) return FinishOnce(ok ? grpc::Status::OK : grpc::Status::CANCELLED);
    pool_.Run([self = shared_from_this()] { self->Pump(); });
  }

  void OnCancel() override {
    {
      absl::MutexLock lock(&mutex_);
      cancelled_ = true;
      if (busy_) return;  // Pump or OnWriteDone sees it
    }
    FinishOnce(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    std::unique_ptr<builds::BuildWatch> watch;
    {
      absl::MutexLock lock(&mutex_);
      watch = std::move(watch_);
    }
    // Freed outside the lock, since a wake may be waiting for it; freed here, since after it no wake can be the last to
    // hold us.
    watch.reset();
    self_.reset();
  }

 private:
  void Open() {
    auto wake = [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->Wake();
    };
    auto watch = manager_.Watch(request_.build_id(), request_.after_sequence(), wake);
    if (!watch.ok()) return FinishOnce(ToGrpcStatus(watch.status()));
    if (request_.without_log()) (*watch)->SkipLog();
    {
      absl::MutexLock lock(&mutex_);
      watch_ = *std::move(watch);
    }
    Pump();
  }

  // Called by the thread that runs the build: must be short.
  void Wake() {
    {
      absl::MutexLock lock(&mutex_);
      pending_ = true;
      if (busy_ || finished_) return;
      busy_ = true;
    }
    pool_.Run([self = shared_from_this()] { self->Pump(); });
  }

  // Sends what there is, or goes to sleep. busy_ is true here.
  void Pump() {
    while (true) {
      builds::BuildWatch* watch;
      {
        absl::MutexLock lock(&mutex_);
        if (cancelled_ || finished_ || !watch_) break;
        pending_ = false;
        watch = watch_.get();
      }
      auto batch = watch->Next();
      if (!batch.ok()) return FinishOnce(ToGrpcStatus(batch.status()));
      if (!batch->events.empty()) {
        response_.Clear();
        for (auto& event : batch->events) *response_.add_events() = std::move(event);
        last_ = batch->ended;
        StartWrite(&response_);
        return;
      }
      if (batch->ended || request_.no_follow()) return FinishOnce(grpc::Status::OK);
      absl::MutexLock lock(&mutex_);
      if (pending_ || cancelled_) continue;
      busy_ = false;
      return;
    }
    FinishOnce(grpc::Status::CANCELLED);
  }

  void FinishOnce(const grpc::Status& status) {
    {
      absl::MutexLock lock(&mutex_);
      if (std::exchange(finished_, true)) return;
    }
    Finish(status);
  }

  builds::BuildManager& manager_;
  platform::WorkerPool& pool_;
  const WatchBuildRequest request_;
  WatchBuildResponse response_;
  bool last_ = false;  // response_ holds the build's end
  std::shared_ptr<Watcher> self_;
  absl::Mutex mutex_;
  std::unique_ptr<builds::BuildWatch> watch_ ABSL_GUARDED_BY(mutex_);
  bool busy_ ABSL_GUARDED_BY(mutex_) = true;      // a Pump is due, runs, or a write is on its way
  bool pending_ ABSL_GUARDED_BY(mutex_) = false;  // there is news since the last look
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerUnaryReactor* BuildServiceImpl::StartBuild(grpc::CallbackServerContext* context,
                                                       const wasmagent::v1::StartBuildRequest* request,
                                                       wasmagent::v1::StartBuildResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response]() -> absl::Status {
    ASSIGN_OR_RETURN(*response->mutable_build(), manager_.Start(request->build()));
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<WatchBuildResponse>* BuildServiceImpl::WatchBuild(grpc::CallbackServerContext*,
                                                                           const WatchBuildRequest* request) {
  auto watcher = std::make_shared<Watcher>(manager_, pool_, *request);
  watcher->Begin();
  return watcher.get();
}

grpc::ServerUnaryReactor* BuildServiceImpl::GetBuild(grpc::CallbackServerContext* context,
                                                     const wasmagent::v1::GetBuildRequest* request,
                                                     wasmagent::v1::GetBuildResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response]() -> absl::Status {
    ASSIGN_OR_RETURN(*response->mutable_build(), manager_.Get(request->build_id()));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* BuildServiceImpl::ListBuilds(grpc::CallbackServerContext* context,
                                                       const wasmagent::v1::ListBuildsRequest* request,
                                                       wasmagent::v1::ListBuildsResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response]() -> absl::Status {
    uint32_t limit = request->limit() == 0 ? kDefaultListed : std::min(request->limit(), kMostListed);
    ASSIGN_OR_RETURN(auto builds, manager_.List(request->checkout_id(), request->active_only(), limit));
    for (auto& build : builds) *response->add_builds() = std::move(build);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* BuildServiceImpl::CancelBuild(grpc::CallbackServerContext* context,
                                                        const wasmagent::v1::CancelBuildRequest* request,
                                                        wasmagent::v1::CancelBuildResponse* response) {
  return FinishOnPool(context, pool_, [this, request, response]() -> absl::Status {
    ASSIGN_OR_RETURN(*response->mutable_build(), manager_.Cancel(request->build_id(), request->reason()));
    return absl::OkStatus();
  });
}

}  // namespace wasmagent::service
