#include "tests/interleaving/fibers.hpp"

#include <algorithm>
#include <cstring>
#include <cxxabi.h>
#include <stdexcept>
#include <utility>

namespace coppice {

namespace {
interleaving::fibers* running_fibers = nullptr; // one run at a time, on the one thread of the test
}

void detail::yield_point() noexcept {
  if (running_fibers != nullptr) running_fibers->maybe_yield();
}
bool detail::fails_spuriously() noexcept {
  return running_fibers != nullptr && running_fibers->choices().chance(50);
}

namespace interleaving {

void fiber_poller::wait(std::optional<time_point> until) {
  auto ready = [this, until] { return woken_ || (until && all_.time().now() >= *until); };
  all_.rest_until(ready);
  woken_ = false;
}

fibers::fibers(std::uint64_t seed, std::shared_ptr<manual_clock> time)
    : choices_(seed), time_(std::move(time)) {
  constexpr std::array<unsigned, 5> rates{5, 20, 60, 200, 500};
  often_ = rates[choices_.below(rates.size())];
}
fibers::~fibers() = default;

void fibers::add(std::function<void()> body) {
  constexpr std::size_t stack_size = std::size_t{256} << 10U;
  all_.push_back(std::make_unique<fiber>());
  fiber& f = *all_.back();
  f.body = std::move(body);
  f.stack.resize(stack_size);
  getcontext(&f.stack_of);
  f.stack_of.uc_stack.ss_sp = f.stack.data();
  f.stack_of.uc_stack.ss_size = f.stack.size();
  f.stack_of.uc_link = nullptr;
  auto me = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&f.stack_of, reinterpret_cast<void (*)()>(&fibers::start), 2, static_cast<unsigned>(me >> 32U),
              static_cast<unsigned>(me));
}

void fibers::start(unsigned high, unsigned low) {
  // makecontext passes ints alone, so the pointer came in halves.
  auto* all =
      reinterpret_cast<fibers*>(std::uintptr_t{high} << 32U | low); // NOLINT(performance-no-int-to-ptr)
  fiber& me = *all->all_[all->running_];
  me.body();
  me.ended = true;
  // Who gets the turn never gives it back here. When the rest sleeps something has to be done about it, and
  // when nobody is left the outside goes on.
  auto left = [all] { return !std::ranges::all_of(all->all_, [](const auto& f) { return f->ended; }); };
  while (!all->give_way() && left() && all->all_asleep_()) {
  }
  setcontext(&all->outside_);
}

void fibers::run(std::function<bool()> all_asleep) {
  all_asleep_ = std::move(all_asleep);
  running_fibers = this;
  detail::context mine = detail::current();
  running_ = 0;
  swapcontext(&outside_, &all_[0]->stack_of);
  running_ = nobody;
  detail::current() = mine;
  running_fibers = nullptr;
}

void fibers::switch_to(std::size_t next) noexcept {
  if (next == running_) return;
  ++switches_;
  trace_ = sim::random(trace_ ^ next).next();
  fiber& from = *all_[running_];
  fiber& to = *all_[next];
  from.where = detail::current();
  std::memcpy(static_cast<void*>(from.exceptions.data()), abi::__cxa_get_globals(), sizeof(from.exceptions));
  detail::current() = to.where;
  std::memcpy(static_cast<void*>(abi::__cxa_get_globals()), static_cast<const void*>(to.exceptions.data()),
              sizeof(to.exceptions));
  running_ = next;
  swapcontext(&from.stack_of, &to.stack_of);
}

bool fibers::give_way() noexcept {
  std::size_t first = choices_.below(all_.size());
  for (std::size_t i = 0; i < all_.size(); ++i) {
    std::size_t next = (first + i) % all_.size();
    fiber& f = *all_[next];
    if (f.ended || (f.ready != nullptr && !(*f.ready)())) continue;
    switch_to(next);
    return true;
  }
  return false;
}

void fibers::maybe_yield() noexcept {
  if (running_ != nobody && choices_.chance(often_)) give_way();
}

void fibers::rest_until(const std::function<bool()>& ready) {
  fiber& me = *all_[running_];
  me.ready = &ready;
  while (!ready()) {
    if (give_way()) continue;
    if (!all_asleep_()) throw std::logic_error("all virtual threads sleep for ever");
  }
  me.ready = nullptr;
}

} // namespace interleaving
} // namespace coppice
