#include "agent/sandbox/stop_token.h"

#include <sys/eventfd.h>

#include <atomic>
#include <cstdint>

#include "platform/scoped_fd.h"

namespace wasmagent::sandbox {

struct StopToken::Impl {
  std::atomic<StopReason> reason{StopReason::kNone};
  platform::ScopedFd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

StopToken::StopToken() : impl_(std::make_unique<Impl>()) {}
StopToken::~StopToken() = default;

void StopToken::Stop(StopReason reason) {
  StopReason none = StopReason::kNone;
  if (reason == StopReason::kNone || !impl_->reason.compare_exchange_strong(none, reason)) return;
  uint64_t one = 1;
  // Cannot fail: the counter goes from 0 to 1, once.
  [[maybe_unused]] ssize_t written = ::write(impl_->event.get(), &one, sizeof(one));
}

StopReason StopToken::reason() const { return impl_->reason.load(); }

int StopToken::event_fd() const { return impl_->event.get(); }

}  // namespace wasmagent::sandbox
