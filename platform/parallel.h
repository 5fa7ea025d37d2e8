// Doing the same to many items on several threads.
#pragma once

#include <cstddef>
#include <functional>

#include "absl/status/status.h"

namespace wasmagent::platform {

// Calls `work(i)` for every i below `count` on up to `threads` threads (the calling one among them) and returns the
// first error; after an error no further item is begun. With fewer threads when no more can be had. Items are handed
// out in order, `batch` at a time.
absl::Status ParallelFor(size_t count, size_t threads, size_t batch, const std::function<absl::Status(size_t)>& work);

// Number of CPUs this process may run on, at least 1.
size_t UsableCpus();

}  // namespace wasmagent::platform
