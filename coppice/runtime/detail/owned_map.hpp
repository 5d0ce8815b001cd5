// The inside of a table: a hash map that one thread at a time writes and any number read, without locks.
//
// One list of all entries, ordered by hash; buckets are marks in it, which stay for ever, so that growing
// moves nothing (Shalev and Shavit, "Split-Ordered Lists", 2006, for a single writer). An entry never
// changes: a new value is a new entry in the old one's place. Who reads an entry announces it (Michael,
// "Hazard Pointers", 2004), and what the writer has taken out is freed when nobody announces it. So readers
// wait for nobody, and what waits to be freed is bounded, whoever stands still.
#pragma once

#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/runtime/detail/atomic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace coppice::detail {

/// A place of the list, without its types.
struct map_link {
  map_link() noexcept = default;
  explicit map_link(std::uint64_t where) noexcept : order(where) {}
  /// The next one; its lowest bit is set when this one has been taken out.
  atomic<std::uintptr_t> next{0};
  std::uint64_t order = 0; ///< odd: an entry; even: the mark of a bucket
};

/// Who reads announces here what it reads; null: the place is free.
struct alignas(64) reading_slot {
  atomic<map_link*> one{nullptr};
  atomic<map_link*> other{nullptr};
};

/// Places to read from, as many as there ever were readers at once.
class reading_slots {
public:
  static constexpr std::size_t count = 16;
  reading_slots() = default;
  reading_slots(const reading_slots&) = delete;
  reading_slots& operator=(const reading_slots&) = delete;
  ~reading_slots() { delete more_.load(std::memory_order_relaxed); }

  /// Takes a free place by announcing the link in it.
  reading_slot& announce(map_link* what, std::size_t first) {
    for (std::size_t i = 0; i < count; ++i) {
      reading_slot& slot = slots_[(first + i) % count];
      map_link* free = nullptr;
      if (slot.one.compare_exchange_strong(free, what, std::memory_order_seq_cst)) return slot;
    }
    return further().announce(what, first);
  }
  /// Adds all that is announced.
  void announced(std::vector<map_link*>& into) const {
    for (const reading_slot& slot : slots_) {
      for (map_link* what :
           {slot.one.load(std::memory_order_seq_cst), slot.other.load(std::memory_order_seq_cst)}) {
        if (what != nullptr) into.push_back(what);
      }
    }
    const reading_slots* more = more_.load(std::memory_order_seq_cst);
    if (more != nullptr) more->announced(into);
  }

private:
  reading_slots& further() {
    reading_slots* more = more_.load(std::memory_order_seq_cst);
    if (more != nullptr) return *more;
    auto fresh = std::make_unique<reading_slots>();
    if (more_.compare_exchange_strong(more, fresh.get(), std::memory_order_seq_cst)) more = fresh.release();
    return *more;
  }

  std::array<reading_slot, count> slots_;
  atomic<reading_slots*> more_{nullptr};
};

/// The list and its buckets, without types.
class map_links {
public:
  map_links() = default;
  map_links(const map_links&) = delete;
  map_links& operator=(const map_links&) = delete;
  ~map_links(); ///< entries are the derived class's

  /// Spreads a hash and makes it the place of an entry.
  static std::uint64_t order_of(std::size_t hash) noexcept {
    return (static_cast<std::uint64_t>(hash) * 0x9e3779b97f4a7c15ULL) | 1U;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

  /// One reader's walk along a bucket. What `at` gives is kept for it until it moves on or ends.
  class walk {
  public:
    walk(map_links& all, std::uint64_t order, std::size_t place) noexcept
        : all_(all), place_(place), start_(all.bucket_of(order)) {}
    walk(const walk&) = delete;
    walk& operator=(const walk&) = delete;
    ~walk() { leave(); }

    /// Steps on; null at the end of the list. False: a writer was quicker; the walk is at its start again.
    bool step(map_link*& at);

  private:
    void leave() noexcept;

    map_links& all_;
    std::size_t place_;
    map_link* start_;
    map_link* at_ = nullptr; ///< null: at the start
    reading_slot* slot_ = nullptr;
    bool in_other_ = false; ///< where `at_` is announced
  };

protected:
  static map_link* link_of(std::uintptr_t word) noexcept {
    return reinterpret_cast<map_link*>(word & ~std::uintptr_t{1}); // NOLINT(performance-no-int-to-ptr)
  }
  static map_link* after(const map_link& l) noexcept {
    return link_of(l.next.load(std::memory_order_seq_cst));
  }
  static std::uintptr_t word_of(map_link* l) noexcept { return reinterpret_cast<std::uintptr_t>(l); }

  // --- the writer's ---

  [[nodiscard]] map_link* first() noexcept { return &head_; }
  /// The last link before that place in the list.
  map_link* before(std::uint64_t order) noexcept;
  void put_in(map_link& previous, map_link& fresh) noexcept;
  /// Makes more buckets when there are more entries than those: linear, and constant time on average.
  void grow_if_full();
  /// Takes out what follows; it is retired.
  void take_out(map_link& previous, map_link& old);
  void put_in_place(map_link& previous, map_link& old, map_link& fresh);
  /// Frees what nobody reads, by `destroy`.
  template <class Destroy>
  void free_retired(Destroy destroy) {
    announced_.clear();
    slots_.announced(announced_);
    std::erase_if(retired_, [&](map_link* l) {
      if (std::ranges::find(announced_, l) != announced_.end()) return false;
      destroy(l);
      return true;
    });
  }
  [[nodiscard]] const std::vector<map_link*>& retired() const noexcept { return retired_; }

private:
  friend class walk;
  static constexpr unsigned most_bits = 40;

  static void put_behind(map_link& previous, map_link& fresh) noexcept;
  /// The mark of the bucket that the place is in.
  [[nodiscard]] map_link* bucket_of(std::uint64_t order) noexcept;

  map_link head_{0};
  atomic<unsigned> bits_{0}; ///< there are 2^bits buckets
  atomic<std::size_t> size_{0};
  /// The marks, by how many bits it takes to tell their buckets apart: those that each growing has added.
  std::array<atomic<map_link*>, most_bits + 1> levels_{};
  reading_slots slots_;
  std::vector<map_link*> retired_;   // the writer's
  std::vector<map_link*> announced_; // the writer's, kept for its room
};

/// Entries of keys and values. Reads may be made by any thread at any time; the rest by one thread at a time.
/// What has been replaced or taken out is destroyed by a later write, `clear` or the end: at most
/// `most_retired` wait for it, and as many more as are being read.
template <class K, class V, class Hash, class Equal>
class owned_map : public map_links {
public:
  static constexpr std::size_t most_retired = 32;

  ~owned_map() {
    clear();
    for (map_link* l : retired()) delete entry_of(l);
  }

  template <class Value>
  void insert(K key, Value&& value) {
    auto fresh = std::make_unique<entry>(order_of(Hash()(key)), std::move(key), std::forward<Value>(value));
    auto [previous, old] = find(fresh->order, fresh->key);
    if (old != nullptr) {
      put_in_place(*previous, *old, *fresh);
      (void)fresh.release();
      tidy();
    } else {
      put_in(*previous, *fresh.release());
      grow_if_full();
    }
  }
  /// Null, or the value that only the writer may look at without a walk.
  [[nodiscard]] const V* peek(const K& key) {
    map_link* old = find(order_of(Hash()(key)), key).second;
    return old == nullptr ? nullptr : &entry_of(old)->value;
  }
  bool erase(const K& key) {
    auto [previous, old] = find(order_of(Hash()(key)), key);
    if (old == nullptr) return false;
    take_out(*previous, *old);
    tidy();
    return true;
  }
  void clear() noexcept {
    map_link* previous = first();
    while (map_link* l = after(*previous)) {
      if ((l->order & 1U) == 0) {
        previous = l;
      } else {
        take_out(*previous, *l);
        tidy();
      }
    }
    free_retired(&destroy);
  }

  /// Shows the value to `look`; false if the key is not there. Waits for nobody.
  template <class F>
  bool visit(const K& key, std::size_t place, F look) {
    const std::uint64_t order = order_of(Hash()(key));
    walk w(*this, order, place);
    map_link* at = nullptr;
    for (;;) {
      if (!w.step(at)) continue;
      if (at == nullptr || at->order > order) return false;
      if (at->order != order || !Equal()(entry_of(at)->key, key)) continue;
      look(entry_of(at)->value);
      return true;
    }
  }
  /// Copies all: each bucket as of some moment.
  [[nodiscard]] std::vector<std::pair<K, V>> copy(std::size_t place) {
    std::vector<std::pair<K, V>> all;
    std::uint64_t from = 0; // the mark from which we read, and all before it is whole
    std::size_t whole = 0;
    for (;;) {
      walk w(*this, from, place);
      map_link* at = nullptr;
      bool undisturbed = true;
      while ((undisturbed = w.step(at)) && at != nullptr) {
        if (at->order < from) continue;
        if ((at->order & 1U) == 0) {
          from = at->order;
          whole = all.size();
        } else {
          all.emplace_back(entry_of(at)->key, entry_of(at)->value);
        }
      }
      if (undisturbed) return all;
      while (all.size() > whole) all.pop_back();
    }
  }

private:
  struct entry final : map_link, pooled {
    template <class Value>
    entry(std::uint64_t where, K&& k, Value&& v)
        : map_link(where), key(std::move(k)), value(std::forward<Value>(v)) {}
    const K key;
    const V value;
  };
  static entry* entry_of(map_link* l) noexcept { return static_cast<entry*>(l); }
  static void destroy(map_link* l) noexcept { delete entry_of(l); }

  std::pair<map_link*, map_link*> find(std::uint64_t order, const K& key) {
    // A new key goes before others of its place: one that comes back is not met again by who copies all.
    map_link* const first_of_them = before(order);
    map_link* previous = first_of_them;
    for (map_link* at = after(*previous); at != nullptr && at->order == order; at = after(*at)) {
      if (Equal()(entry_of(at)->key, key)) return {previous, at};
      previous = at;
    }
    return {first_of_them, nullptr};
  }
  void tidy() {
    if (retired().size() >= most_retired) free_retired(&destroy);
  }
};

} // namespace coppice::detail
