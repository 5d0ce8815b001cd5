#include "coppice/net/use_process.hpp"

#include "coppice/runtime/detail/kernel.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace coppice::net {

boost::asio::io_context::executor_type process_executor() {
  return detail::process_context()->get_executor();
}

namespace detail {
namespace {

/// What completes the wait; the results are with the operation.
struct asio_over {};

} // namespace

asio_operation::asio_operation(coppice::detail::process_block& p)
    : home_(*p.home), process_(p.self()), tag_(coppice::detail::next_unique(*p.home)),
      context_(process_context()) {}

void asio_operation::completed() noexcept {
  if (left_behind_.load(std::memory_order_relaxed) || context_->closed()) return; // there is no node any more
  if (context_->get_executor().running_in_this_thread()) {
    tell();
  } else {
    boost::asio::post(*context_, [me = shared_from_this()] { me->tell(); });
  }
}

void asio_operation::tell() noexcept {
  if (again_) again_->cancel();
  if (end(home_, process_)) return;
  coppice::detail::complete(home_, process_, tag_, coppice::detail::make_message<asio_over>());
}

void asio_operation::cancel() noexcept {
  boost::asio::post(*context_, [me = shared_from_this()] { me->insist(); });
}

/// Once may not do: a composed operation that is between two of its steps misses the signal, unless it looks.
void asio_operation::insist() {
  constexpr std::chrono::milliseconds pause_max{1000};
  if (over()) return;
  cancel_.emit(boost::asio::cancellation_type::terminal);
  if (!again_) again_.emplace(*context_);
  again_->expires_after(std::exchange(pause_, std::min(2 * pause_, pause_max)));
  again_->async_wait([me = shared_from_this()](const boost::system::error_code& error) {
    if (!error) me->insist();
  });
}

void asio_operation::leave_behind() noexcept { left_behind_.store(true, std::memory_order_relaxed); }

asio_wait::asio_wait(coppice::detail::process_block& p, asio_operation& operation, duration timeout) noexcept
    : process_(p), operation_(operation), timeout_(timeout) {
  over = &asio_wait::look;
}

void asio_wait::begin() {
  coppice::detail::use_frames(process_, operation_);
  begun_ = true;
  coppice::detail::expect_completion(process_, operation_.tag());
}

bool asio_wait::ready() {
  coppice::detail::runtime_section section;
  coppice::detail::drain(process_);
  if (process_.arrived != nullptr && !process_.dying) return coppice::detail::may_go_on(process_);
  coppice::detail::set_deadline(process_, timeout_);
  return false;
}

void asio_wait::suspend(std::coroutine_handle<> caller) noexcept {
  process_.waiting = this;
  process_.resume = caller;
}

bool asio_wait::look(waiter& w, coppice::detail::process_block& p) {
  if (p.arrived != nullptr) return true;
  auto& me = static_cast<asio_wait&>(w);
  if (p.timed_out && !me.timed_out_) {
    me.timed_out_ = true;
    coppice::detail::clear_deadline(p);
    me.operation_.cancel();
  }
  return false;
}

void asio_wait::finish() noexcept {
  if (!std::exchange(begun_, false)) return;
  coppice::detail::clear_deadline(process_);
  (void)coppice::detail::take_completion(process_);
  coppice::detail::free_frames(process_);
}

} // namespace detail
} // namespace coppice::net
