#include "coppice/runtime/detail/blocking_pool.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <utility>

namespace coppice::detail {

void blocking_pool::run(std::move_only_function<void()> work) {
  std::lock_guard guard(mutex_);
  if (stopping_) return;
  queue_.push_back(std::move(work));
  if (idle_ < queue_.size() && threads_.size() < threads_max_) threads_.emplace_back([this] { serve(); });
  changed_.notify_one();
}

void blocking_pool::stop() noexcept {
  std::deque<std::move_only_function<void()>> dropped;
  std::vector<std::jthread> ending;
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    ending.swap(threads_);
  }
  changed_.notify_all();
  ending.clear(); // joins
}

void blocking_pool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;
    std::move_only_function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

void run_blocking(coppice::node& home, std::move_only_function<void()> work) {
  machine& m = home.internals();
  if (m.options.stepped) {
    work(); // a stepped node has one thread: the caller's
  } else {
    m.pool->run(std::move(work));
  }
}

} // namespace coppice::detail
