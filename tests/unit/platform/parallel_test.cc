#include "platform/parallel.h"

#include <atomic>
#include <vector>

#include "gtest/gtest.h"
#include "tests/unit/platform/no_threads.h"

namespace wasmagent::platform {
namespace {

// Every item is worked on once, with fewer, as many and more threads than items.
TEST(Parallel, DoesEveryItemOnce) {
  for (size_t threads : {size_t{0}, size_t{1}, size_t{3}, size_t{64}}) {
    std::vector<std::atomic<int>> done(37);
    auto work = [&](size_t i) {
      ++done[i];
      return absl::OkStatus();
    };
    ASSERT_TRUE(ParallelFor(done.size(), threads, 5, work).ok());
    for (const auto& count : done) EXPECT_EQ(count, 1);
  }
  EXPECT_TRUE(ParallelFor(0, 4, 1, [](size_t) { return absl::InternalError("never"); }).ok());
}

// When no thread can be had, the caller does it all.
TEST(Parallel, WorksWithoutThreads) {
  NoThreads none;
  int done = 0;
  auto work = [&](size_t) { return ++done, absl::OkStatus(); };
  EXPECT_TRUE(ParallelFor(100, 8, 5, work).ok());
  EXPECT_EQ(done, 100);
}

// The error is returned, and nothing is begun after it.
TEST(Parallel, StopsAtAnError) {
  std::atomic<size_t> done = 0;
  auto work = [&](size_t i) { return ++done, i == 3 ? absl::AbortedError("third") : absl::OkStatus(); };
  EXPECT_EQ(ParallelFor(1000, 1, 1, work).message(), "third");
  EXPECT_EQ(done, 4U);
  EXPECT_GE(UsableCpus(), 1U);
}

}  // namespace
}  // namespace wasmagent::platform
