// How another thread ends a running command early.
#pragma once

#include <memory>

namespace wasmagent::sandbox {

// Why a running command must end early.
enum class StopReason { kNone, kCancelled, kTimedOut };

// A handle by which another thread can stop a running command. Thread-safe; outlives the run or not, as it likes.
// Costs one descriptor.
class StopToken {
 public:
  StopToken();
  ~StopToken();
  StopToken(const StopToken&) = delete;
  StopToken& operator=(const StopToken&) = delete;
  // Asks for an end; the first reason stays.
  void Stop(StopReason reason);
  StopReason reason() const;
  // Becomes readable when a stop was asked for, and stays so. -1 when no descriptor could be had: then `reason` has to
  // be polled.
  int event_fd() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wasmagent::sandbox
