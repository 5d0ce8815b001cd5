// A value that all read and hardly anybody replaces: configuration, routes, look-up tables. OTP: module
// persistent_term.
//
//   persistent<routes> current(load());              // made once, handed to whoever reads
//   std::shared_ptr<const routes> r = current.get(); // a few nanoseconds, on any number of cores
//   current.put(load());                             // those who still hold the old one keep it
#pragma once

#include "coppice/runtime/detail/reading_place.hpp"
#include "coppice/runtime/detail/spin_lock.hpp"
#include "coppice/term/sendable.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

namespace coppice {

/// A value of type T, replaced as a whole. Copies are handles to the same value.
///
/// Thread-safety: all members may be called by any thread. A `get` that begins after a `put` has returned
/// gives the new value, and no thread or process sees the old one after the new one. The old value is
/// destroyed when the last reader lets go of it, by whoever does. One value for a whole node:
/// `this_node().part<persistent<T>>()`.
template <class T>
class persistent {
public:
  /// What a reader holds.
  using value = std::shared_ptr<const T>;

  /// Begins with a T made by default.
  persistent() : persistent(T()) {}
  /// Begins with that value.
  explicit persistent(T first) : inside_(std::make_shared<inside>()) {
    static_assert(sendable<T>, "persistent<T>: the value is shared by processes, so it must be sendable");
    put(std::move(first));
  }

  /// The value, for as long as it is held (OTP: `persistent_term:get/1`). No memory is written that another
  /// core reads, as long as there are no more threads than places.
  [[nodiscard]] value get() const noexcept {
    detail::runtime_section section; // whoever holds a lock keeps its core
    place& here = inside_->places[detail::reading_place(inside::count)];
    std::lock_guard guard(here.lock);
    return here.current;
  }

  /// Replaces the value (OTP: `persistent_term:put/2`). Costs a small allocation for each place.
  void put(T next) {
    auto whole = std::make_shared<const T>(std::move(next));
    // Each place counts its own readers, and all of them together are one reader of the whole.
    std::array<value, inside::count> fresh;
    for (value& v : fresh) {
      auto counted = std::make_shared<value>(whole);
      v = value(counted, whole.get());
    }
    detail::runtime_section section;
    for (place& p : inside_->places) p.lock.lock(); // in order: several may put at once
    for (std::size_t i = 0; i < inside::count; ++i) inside_->places[i].current.swap(fresh[i]);
    for (place& p : inside_->places) p.lock.unlock();
  }

private:
  struct alignas(64) place {
    mutable detail::spin_lock lock;
    value current;
  };
  struct inside {
    static constexpr std::size_t count = 16;
    mutable std::array<place, count> places;
  };

  std::shared_ptr<inside> inside_;
};

template <class T>
struct enable_sendable<persistent<T>> {
  static constexpr bool value = true; // checked by its constructor
};

} // namespace coppice
