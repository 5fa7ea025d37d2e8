#include "platform/worker_pool.h"

#include <system_error>
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
  {
    absl::MutexLock lock(&mutex_);
    queue_.push_back(std::move(work));
    // An idle thread that was woken for earlier work still counts as idle until it takes it.
    bool another = !closing_ && queue_.size() > idle_ && threads_.size() < limit_;
    if (!another || StartThread()) return wake_.Signal();
    // Threads that there are take it when they can.
    if (!threads_.empty()) return;
    work = std::move(queue_.back());
    queue_.pop_back();
  }
  work();
}

// False when the system has no thread left, which builds can bring about.
bool WorkerPool::StartThread() {
  try {
    threads_.emplace_back([this] { Serve(); });
    return true;
  } catch (const std::system_error&) {
    return false;
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
