// Tables that one process writes and all may read. OTP: module ets, `protected` tables of type `set`.
//
//   auto sessions = table<std::string, session>::make();   // the running process owns it
//   sessions.insert("bob", session{...});
//   std::optional<session> s = sessions.lookup("bob");      // by any process that has the handle
//
// The handle may be copied, sent and kept. The table ends with its owner, unless it has an heir.
#pragma once

#include "coppice/runtime/detail/owned_map.hpp"
#include "coppice/runtime/detail/ownership.hpp"
#include "coppice/runtime/detail/reading_place.hpp"
#include "coppice/runtime/message.hpp"
#include "coppice/runtime/process.hpp"

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
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
/// Thread-safety: reads may be made by any thread at any time, wait for nobody, whatever the owner does or
/// its thread is kept from doing, and see each key as it was before or after a write, never between. Writes
/// are the owner's alone, and those of others throw table_error. Values are const once they are in: what has
/// been replaced or removed is destroyed by one of the next writes, or at the end, once nobody reads it; at
/// most 32 wait for that, and those that are being read. A key's or value's own hash, comparison, copy and
/// destructor must not use the table.
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
    detail::runtime_section section; // whoever writes keeps its core, and stays the owner
    inside_->require_owner();
    inside_->map.insert(std::move(key), std::move(value));
  }
  /// False, and nothing done, if the key is there already (OTP: `ets:insert_new/2`).
  bool insert_new(K key, V value) {
    detail::runtime_section section;
    inside_->require_owner();
    if (inside_->map.peek(key) != nullptr) return false;
    inside_->map.insert(std::move(key), std::move(value));
    return true;
  }
  /// Puts a changed copy in a value's place; false if there is none. `change(V&)` must be short.
  template <std::invocable<V&> F>
  bool update(const K& key, F change) {
    detail::runtime_section section;
    inside_->require_owner();
    const V* now = inside_->map.peek(key);
    if (now == nullptr) return false;
    V next(*now);
    change(next);
    inside_->map.insert(K(key), std::move(next));
    return true;
  }
  /// Removes a key; false if it was not there (OTP: `ets:delete/2`).
  bool erase(const K& key) {
    detail::runtime_section section;
    inside_->require_owner();
    return inside_->map.erase(key);
  }
  /// Removes a key and gives a copy of its value (OTP: `ets:take/2`).
  std::optional<V> take(const K& key) {
    detail::runtime_section section;
    inside_->require_owner();
    const V* now = inside_->map.peek(key);
    if (now == nullptr) return std::nullopt;
    std::optional<V> taken(*now);
    inside_->map.erase(key);
    return taken;
  }
  /// Removes all (OTP: `ets:delete_all_objects/1`). Linear.
  void clear() {
    detail::runtime_section section;
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
  template <std::invocable<const V&> F>
  bool visit(const K& key, F look) const {
    detail::runtime_section section;
    inside_->require_alive();
    bool found =
        inside_->map.visit(key, detail::reading_place(detail::reading_slots::count), std::move(look));
    if (!found) inside_->require_alive(); // it may have ended meanwhile
    return found;
  }
  /// OTP: `ets:member/2`.
  [[nodiscard]] bool contains(const K& key) const {
    return visit(key, [](const V&) {});
  }
  /// How many keys there are (OTP: `ets:info(Tab, size)`). Constant time.
  [[nodiscard]] std::size_t size() const {
    std::size_t all = inside_->map.size();
    inside_->require_alive();
    return all;
  }
  /// All keys and values, in no order (OTP: `ets:tab2list/1`): what is there all the time comes once, what
  /// comes or goes meanwhile at most once. Linear.
  [[nodiscard]] std::vector<std::pair<K, V>> to_vector() const {
    detail::runtime_section section;
    std::vector<std::pair<K, V>> all = inside_->map.copy(detail::reading_place(detail::reading_slots::count));
    inside_->require_alive();
    return all;
  }
  /// The null pid while the table is on its way to its next owner, and when it has ended.
  [[nodiscard]] pid owner() const noexcept { return inside_->owner(); }
  /// Whether the table is still there; already stale when it returns.
  [[nodiscard]] bool alive() const noexcept { return !inside_->ended(); }
  /// Whether both are handles to the same table.
  friend bool operator==(const table& a, const table& b) noexcept { return a.inside_ == b.inside_; }

private:
  struct storage final : detail::ownership {
    mutable detail::owned_map<K, V, Hash, Equal> map;
    void clear() noexcept override { map.clear(); }
    detail::envelope_ptr transfer(pid from, term data) override;
  };

  explicit table(std::shared_ptr<storage> inside) : inside_(std::move(inside)) {}

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
  table<K, V, Hash, Equal> what; ///< the table, which its receiver owns from now on
  pid from;                      ///< who owned it until now; dead if it was left to an heir
  term data;                     ///< what `give_away` or `set_heir` was given
};

template <class K, class V, class Hash, class Equal>
detail::envelope_ptr table<K, V, Hash, Equal>::storage::transfer(pid from, term data) {
  using message = table_transfer<K, V, Hash, Equal>;
  auto me = std::static_pointer_cast<storage>(this->shared_from_this());
  return detail::make_message<message>(message{table(std::move(me)), from, std::move(data)});
}

} // namespace coppice
