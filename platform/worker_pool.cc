#include "platform/worker_pool.h"

#include <utility>

namespace wasmagent::platform {

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    wake_.SignalAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void WorkerPool::Run(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(std::move(work));
  // An idle thread that was woken for earlier work still counts as idle until it takes it.
  if (!closing_ && queue_.size() > idle_ && threads_.size() < limit_) {
    threads_.emplace_back([this] { Serve(); });
  } else {
    wake_.Signal();
  }
}

void WorkerPool::Serve() {
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      ++idle_;
      while (queue_.empty() && !closing_) wake_.Wait(&mutex_);
      --idle_;
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace wasmagent::platform
