#include "coppice/runtime/detail/blocking_pool.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <algorithm>
#include <utility>

namespace coppice::detail {

void blocking_pool::run(std::move_only_function<void()> work) {
  std::lock_guard guard(mutex_);
  if (stopping_) return;
  queue_.push_back(std::move(work));
  if (idle_ < queue_.size() && threads_.size() < threads_max_) {
    server& s = *threads_.emplace_back(std::make_unique<server>());
    s.thread = std::thread([this, &s] { serve(s); });
  }
  changed_.notify_one();
}

bool blocking_pool::stop(time_point deadline) noexcept {
  std::deque<std::move_only_function<void()>> dropped; // their destructors are user code: after the lock
  std::unique_lock lock(mutex_);
  stopping_ = true;
  dropped.swap(queue_);
  changed_.notify_all();
  auto all_ended = [this] { return std::ranges::all_of(threads_, [](const auto& s) { return s->ended; }); };
  while (!all_ended() && machine_.time->now() < deadline) {
    changed_.wait_for(lock, std::chrono::milliseconds(20));
  }
  bool in_time = all_ended();
  for (std::unique_ptr<server>& s : threads_) {
    if (s->ended) {
      s->thread.join();
    } else {
      s->thread.detach();
      s->left_behind = machine_.shared_from_this();
      (void)s.release(); // its thread owns it now
    }
  }
  threads_.clear();
  return in_time;
}

void blocking_pool::serve(server& me) {
  std::unique_ptr<server> myself;
  std::shared_ptr<machine> inside; // its last owner may be this thread: goes after the lock
  std::unique_lock lock(mutex_);
  while (!stopping_) work(lock);
  me.ended = true;
  changed_.notify_all();
  if (me.left_behind != nullptr) {
    myself.reset(&me);
    inside = std::move(me.left_behind);
  }
}

/// Waits for one piece of work and does it, without the lock.
void blocking_pool::work(std::unique_lock<std::mutex>& lock) {
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

void run_blocking(coppice::node& home, std::move_only_function<void()> work) {
  machine& m = home.internals();
  if (m.options.stepped) {
    // A stepped node has one thread, the caller's; the work still does not count as the process.
    process_block* caller = std::exchange(current().process, nullptr);
    work();
    current().process = caller;
  } else {
    m.pool->run(std::move(work));
  }
}

} // namespace coppice::detail
