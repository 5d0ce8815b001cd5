// Tables that one process writes and all may read. OTP: module ets, `protected` tables of type `set`.
//
//   auto sessions = table<std::string, session>::make();   // the running process owns it
//   sessions.insert("bob", session{...});
//   std::optional<session> s = sessions.lookup("bob");      // by any process that has the handle
//
// The handle may be copied, sent and kept. The table ends with its owner, unless it has an heir.
#pragma once

#include "coppice/runtime/detail/ownership.hpp"
#include "coppice/runtime/message.hpp"
#include "coppice/runtime/process.hpp"

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice {

/// A table was written by another than its owner, or used after its end (OTP: `badarg`).
class table_error : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// A table of values by keys. Copies are handles to the same table.
///
/// Thread-safety: reads may be made by any thread at any time, and see each key as it was before or after a
/// write, never between. Readers of one key do not wait for each other, only for a write to the sixteenth of
/// the table that the key is in. Writes are the owner's alone, and those of others throw table_error. A
/// key's or value's own hash, comparison, copy and destructor must not use the table.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class table {
public:
  /// Makes an empty table that belongs to the running process (OTP: `ets:new/2`).
  static table make() {
    static_assert(sendable<K> && sendable<V>, "table<K, V>: keys and values must be sendable");
    table t(std::make_shared<storage>());
    t.inside_->begin();
    return t;
  }

  // --- the owner's; constant time on average ---

  /// Puts the value there, in place of another if there is one (OTP: `ets:insert/2`).
  void insert(K key, V value) {
    write_at(key, [&](auto& map) { map.insert_or_assign(std::move(key), std::move(value)); });
  }
  /// False, and nothing done, if the key is there already (OTP: `ets:insert_new/2`).
  bool insert_new(K key, V value) {
    bool is_new = false;
    write_at(key, [&](auto& map) { is_new = map.try_emplace(std::move(key), std::move(value)).second; });
    return is_new;
  }
  /// Changes a value in its place; false if there is none. `change(V&)` must be short.
  template <class F>
  bool update(const K& key, F change) {
    bool found = false;
    write_at(key, [&](auto& map) {
      auto at = map.find(key);
      found = at != map.end();
      if (found) change(at->second);
    });
    return found;
  }
  /// Removes a key; false if it was not there (OTP: `ets:delete/2`).
  bool erase(const K& key) { return take(key).has_value(); }
  /// Removes a key and gives its value (OTP: `ets:take/2`).
  std::optional<V> take(const K& key) {
    std::optional<V> taken;
    write_at(key, [&](auto& map) {
      auto at = map.find(key);
      if (at == map.end()) return;
      taken.emplace(std::move(at->second));
      map.erase(at);
    });
    return taken;
  }
  /// Removes all (OTP: `ets:delete_all_objects/1`). Linear.
  void clear() {
    inside_->require_owner();
    inside_->clear();
  }
  /// Who gets the table when its owner ends, with a `table_transfer` that carries the data (OTP: the option
  /// `heir`). The null pid: nobody, as at the start. Stays when the table is given away; the heir, once it
  /// has the table, names its own.
  void set_heir(pid heir, term data = {}) { inside_->set_heir(heir, std::move(data)); }
  /// Gives the table to another process, which receives a `table_transfer` and may write when it has it
  /// (OTP: `ets:give_away/3`). Throws table_error if that process is dead; if it dies before it has the
  /// table, the table ends.
  void give_away(pid to, term data = {}) { inside_->give_away(to, std::move(data)); }

  // --- anybody's ---

  /// A copy of the value, if the key is there (OTP: `ets:lookup/2`).
  [[nodiscard]] std::optional<V> lookup(const K& key) const {
    std::optional<V> found;
    visit(key, [&found](const V& value) { found.emplace(value); });
    return found;
  }
  /// Shows the value without copying it; false if the key is not there. `look(const V&)` must be short, and
  /// what it is shown must not be kept.
  template <class F>
  bool visit(const K& key, F look) const {
    return read_at(key, [&](const auto& map) {
      auto at = map.find(key);
      if (at == map.end()) return false;
      look(at->second);
      return true;
    });
  }
  /// OTP: `ets:member/2`.
  [[nodiscard]] bool contains(const K& key) const {
    return read_at(key, [&](const auto& map) { return map.contains(key); });
  }
  /// How many keys there are; with writes going on, as of some moment for each sixteenth of the table.
  [[nodiscard]] std::size_t size() const {
    std::size_t all = 0;
    read_each([&all](const auto& map) { all += map.size(); });
    return all;
  }
  /// All keys and values, in no order (OTP: `ets:tab2list/1`): what is there all the time comes once, what
  /// comes or goes meanwhile at most once. Linear.
  [[nodiscard]] std::vector<std::pair<K, V>> to_vector() const {
    std::vector<std::pair<K, V>> all;
    read_each([&all](const auto& map) { all.insert(all.end(), map.begin(), map.end()); });
    return all;
  }
  /// The null pid while the table is on its way to its next owner, and when it has ended.
  [[nodiscard]] pid owner() const noexcept { return inside_->owner(); }
  /// Whether the table is still there; already stale when it returns.
  [[nodiscard]] bool alive() const noexcept { return !inside_->ended(); }
  /// Whether both are handles to the same table.
  friend bool operator==(const table& a, const table& b) noexcept { return a.inside_ == b.inside_; }

private:
  using map_type = std::unordered_map<K, V, Hash, Equal>;
  struct alignas(64) shard {
    mutable std::shared_mutex mutex;
    map_type map;
  };
  struct storage final : detail::ownership {
    static constexpr unsigned shard_bits = 4;
    std::array<shard, 1U << shard_bits> shards;

    shard& of(const K& key) noexcept(noexcept(Hash()(key))) {
      std::uint64_t spread = static_cast<std::uint64_t>(Hash()(key)) * 0x9e3779b97f4a7c15ULL;
      return shards[spread >> (64 - shard_bits)];
    }
    void clear() noexcept override {
      for (shard& s : shards) {
        map_type gone;
        std::unique_lock guard(s.mutex);
        gone.swap(s.map);
        guard.unlock(); // what is destroyed may take its time
      }
    }
    detail::envelope_ptr transfer(pid from, term data) override;
  };

  explicit table(std::shared_ptr<storage> inside) : inside_(std::move(inside)) {}

  template <class F>
  void write_at(const K& key, F change) {
    detail::runtime_section section; // whoever holds a lock keeps its core
    inside_->require_owner();
    shard& s = inside_->of(key);
    std::lock_guard guard(s.mutex);
    inside_->require_owner(); // announced dead while it was stuck: the table may be another's now
    change(s.map);
  }
  template <class F>
  bool read_at(const K& key, F look) const {
    detail::runtime_section section;
    const shard& s = inside_->of(key);
    std::shared_lock guard(s.mutex);
    inside_->require_alive();
    return look(s.map);
  }
  template <class F>
  void read_each(F look) const {
    detail::runtime_section section;
    for (const shard& s : inside_->shards) {
      std::shared_lock guard(s.mutex);
      inside_->require_alive();
      look(s.map);
    }
  }

  std::shared_ptr<storage> inside_;
};

template <class K, class V, class Hash, class Equal>
struct enable_sendable<table<K, V, Hash, Equal>> {
  static constexpr bool value = true; // checked by make
};

/// What the next owner of a table receives, by `give_away` or as heir (OTP: `{'ETS-TRANSFER', Tab, FromPid,
/// Data}`).
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
struct table_transfer {
  table<K, V, Hash, Equal> what;
  pid from;
  term data;
};

template <class K, class V, class Hash, class Equal>
detail::envelope_ptr table<K, V, Hash, Equal>::storage::transfer(pid from, term data) {
  using message = table_transfer<K, V, Hash, Equal>;
  auto me = std::static_pointer_cast<storage>(this->shared_from_this());
  return detail::make_message<message>(message{table(std::move(me)), from, std::move(data)});
}

} // namespace coppice
