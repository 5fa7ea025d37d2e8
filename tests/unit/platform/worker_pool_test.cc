#include "platform/worker_pool.h"

#include <atomic>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "gtest/gtest.h"
#include "tests/unit/platform/no_threads.h"

namespace wasmagent::platform {
namespace {

// As many as the limit run at once: each waits for the others, which one thread fewer would never allow.
TEST(WorkerPool, RunsUpToItsLimitAtOnce) {
  constexpr int kThreads = 4;
  WorkerPool pool(kThreads);
  for (int round = 0; round < 3; ++round) {
    absl::Barrier* all_here = new absl::Barrier(kThreads);
    absl::BlockingCounter done(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      pool.Run([&done, all_here] {
        if (all_here->Block()) delete all_here;
        done.DecrementCount();
      });
    }
    done.Wait();
  }
}

// Without any thread the caller does the work; with one, that one does.
TEST(WorkerPool, WorksWithTheThreadsThatThereAre) {
  std::atomic<int> done = 0;
  WorkerPool pool(4);
  {
    NoThreads none;
    pool.Run([&] { ++done; });
    EXPECT_EQ(done, 1);
  }
  absl::BlockingCounter one(1);
  pool.Run([&] { one.DecrementCount(); });
  one.Wait();
  NoThreads none;
  absl::BlockingCounter many(10);
  for (int i = 0; i < 10; ++i) pool.Run([&] { many.DecrementCount(); });
  many.Wait();
}

// What is queued when the pool goes is still done, and so is what that work queues.
TEST(WorkerPool, FinishesWhatIsQueued) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2);
    for (int i = 0; i < 100; ++i) pool.Run([&] { pool.Run([&] { ++done; }); });
  }
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace wasmagent::platform
