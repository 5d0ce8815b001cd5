// Threads for work that blocks. Started when needed, at most as many as the options say; work queues
// meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace coppice::detail {

class blocking_pool {
public:
  explicit blocking_pool(unsigned threads_max) noexcept : threads_max_(threads_max == 0 ? 1 : threads_max) {}
  ~blocking_pool() { stop(); }
  blocking_pool(const blocking_pool&) = delete;
  blocking_pool& operator=(const blocking_pool&) = delete;

  void run(std::move_only_function<void()> work);
  /// Lets the work under way end and drops what is queued.
  void stop() noexcept;

private:
  void serve();

  unsigned threads_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::move_only_function<void()>> queue_;
  std::vector<std::jthread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

} // namespace coppice::detail
