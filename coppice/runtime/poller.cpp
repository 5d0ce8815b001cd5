#include "coppice/runtime/poller.hpp"

#include <condition_variable>
#include <mutex>

namespace coppice {
namespace {

class sleep_poller final : public poller {
public:
  void wait(std::optional<time_point> until) override {
    std::unique_lock lock(mutex_);
    if (until) {
      woken_up_.wait_until(lock, *until, [this] { return woken_; });
    } else {
      woken_up_.wait(lock, [this] { return woken_; });
    }
    woken_ = false;
  }
  void poll() override {}
  void wake() override {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    woken_up_.notify_one();
  }

private:
  std::mutex mutex_;
  std::condition_variable woken_up_;
  bool woken_ = false;
};

} // namespace

std::unique_ptr<poller> make_sleep_poller() { return std::make_unique<sleep_poller>(); }

} // namespace coppice
