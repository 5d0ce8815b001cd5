// Threads for work that blocks. Started when needed, at most as many as the options say; work queues
// meanwhile.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace coppice::detail {

class machine;

class blocking_pool {
public:
  blocking_pool(machine& m, unsigned threads_max) noexcept
      : machine_(m), threads_max_(threads_max == 0 ? 1 : threads_max) {}
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  void run(std::move_only_function<void()> work);
  /// Drops what is queued and waits for the work under way. False if some of it is not over by the deadline:
  /// it is left behind.
  bool stop(time_point deadline) noexcept;

private:
  struct server {
    std::thread thread;
    bool ended = false;                   ///< under mutex_
    std::shared_ptr<machine> left_behind; ///< under mutex_: outlives the node; then the thread owns this, too
  };

  void serve(server& me);
  void work(std::unique_lock<std::mutex>& lock);

  machine& machine_;
  unsigned threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> queue_;
  std::vector<std::unique_ptr<server>> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

} // namespace coppice::detail
