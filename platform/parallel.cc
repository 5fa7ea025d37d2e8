#include "platform/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"

namespace wasmagent::platform {

absl::Status ParallelFor(size_t count, size_t threads, size_t batch, const std::function<absl::Status(size_t)>& work) {
  std::atomic<size_t> next = 0;
  std::atomic<bool> failed = false;
  absl::Mutex mutex;
  absl::Status first_error;
  auto run = [&] {
    while (!failed.load(std::memory_order_relaxed)) {
      size_t begin = next.fetch_add(batch);
      if (begin >= count) return;
      for (size_t i = begin; i < std::min(begin + batch, count); ++i) {
        absl::Status status = work(i);
        if (status.ok()) continue;
        absl::MutexLock lock(&mutex);
        if (first_error.ok()) first_error = status;
        failed = true;
        return;
      }
    }
  };
  size_t wanted = std::min(threads, (count + batch - 1) / batch);
  std::vector<std::thread> helpers;
  // Builds may have used up the processes that there are: fewer threads take longer, and that is all.
  try {
    for (size_t i = 1; i < wanted; ++i) helpers.emplace_back(run);
  } catch (const std::system_error&) {
  }
  run();
  for (std::thread& helper : helpers) helper.join();
  return first_error;
}

size_t UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) return static_cast<size_t>(std::max(1, CPU_COUNT(&set)));
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace wasmagent::platform
