#include "agent/sandbox/stop_token.h"

#include <poll.h>

#include <thread>

#include "gtest/gtest.h"

namespace wasmagent::sandbox {
namespace {

bool Readable(const StopToken& token) {
  pollfd event = {token.event_fd(), POLLIN, 0};
  return ::poll(&event, 1, 0) == 1;
}

// The descriptor turns readable with the first reason and stays so; later reasons, and "none", change nothing.
TEST(StopToken, TheFirstReasonStays) {
  StopToken token;
  EXPECT_EQ(token.reason(), StopReason::kNone);
  token.Stop(StopReason::kNone);
  EXPECT_FALSE(Readable(token));
  token.Stop(StopReason::kTimedOut);
  token.Stop(StopReason::kCancelled);
  EXPECT_EQ(token.reason(), StopReason::kTimedOut);
  EXPECT_TRUE(Readable(token));
  EXPECT_TRUE(Readable(token));
}

// Threads may ask at once; all agree on one reason.
TEST(StopToken, ManyThreads) {
  StopToken token;
  std::thread one([&] { token.Stop(StopReason::kCancelled); });
  std::thread two([&] { token.Stop(StopReason::kTimedOut); });
  one.join();
  two.join();
  EXPECT_NE(token.reason(), StopReason::kNone);
  EXPECT_TRUE(Readable(token));
}

}  // namespace
}  // namespace wasmagent::sandbox
