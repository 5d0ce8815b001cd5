// The atomics and locks on which threads meet. A test program builds the runtime with COPPICE_SIM_ATOMICS:
// then each access is a point where it may let another of its virtual threads go on (tests/interleaving).
#pragma once

#include <atomic>
#include <mutex>
#include <utility>

namespace coppice::detail {

#ifndef COPPICE_SIM_ATOMICS

template <class T>
using atomic = std::atomic<T>;
using mutex = std::mutex;

#else

/// Lets others go on, or not; the test program supplies it.
void yield_point() noexcept;
/// Whether a weak exchange fails for no reason this time.
bool fails_spuriously() noexcept;

/// All virtual threads are on one thread, so what they see is sequentially consistent: what is explored is
/// the order of accesses, not the reorderings that their memory orders allow.
template <class T>
class atomic {
public:
  constexpr atomic() noexcept = default;
  constexpr atomic(T value) noexcept : value_(value) {} // NOLINT(google-explicit-constructor): as std::atomic
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  [[nodiscard]] T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    yield_point();
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    yield_point();
    value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    yield_point();
    return std::exchange(value_, value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    yield_point();
    if (value_ == expected) {
      value_ = value;
      return true;
    }
    expected = value_;
    return false;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order success = std::memory_order_seq_cst,
                             std::memory_order failure = std::memory_order_seq_cst) noexcept {
    if (!fails_spuriously()) return compare_exchange_strong(expected, value, success, failure);
    expected = load();
    return false;
  }
  T fetch_add(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    yield_point();
    return std::exchange(value_, static_cast<T>(value_ + by));
  }
  T fetch_sub(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    yield_point();
    return std::exchange(value_, static_cast<T>(value_ - by));
  }

private:
  T value_{};
};

class mutex {
public:
  void lock() noexcept {
    while (held_) yield_point();
    held_ = true;
  }
  void unlock() noexcept { held_ = false; }

private:
  bool held_ = false;
};

#endif

} // namespace coppice::detail
