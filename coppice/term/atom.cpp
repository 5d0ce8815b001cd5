#include "coppice/term/atom.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "coppice/term/detail/utf8.hpp"

namespace coppice {
namespace {

struct slot {
  std::string name;
  std::atomic<std::uint32_t> count{0}; // copies that carry the counted bit
  std::uint32_t shard = 0;
  std::size_t hash = 0;
  bool permanent = false; // guarded by the shard's mutex
};

// Slots never move, so a name is read with no lock: whoever holds an atom got it after its slot was filled.
constexpr std::size_t segment_slots = 4096;
constexpr std::size_t max_segments = 4096;
constinit std::array<std::atomic<slot*>, max_segments> segments{};

constexpr std::size_t shard_count = 64;

struct alignas(64) shard {
  std::mutex mutex;
  std::unordered_map<std::string_view, std::uint32_t> by_name;
};

class table {
public:
  table() { make_permanent({}); }

  std::uint32_t make_permanent(std::string_view name) {
    const std::size_t hash = hash_of(name);
    shard& s = shards_[hash % shard_count];
    const std::lock_guard lock(s.mutex);
    if (const auto found = s.by_name.find(name); found != s.by_name.end()) {
      slot& existing = at(found->second);
      if (!existing.permanent) {
        existing.permanent = true;
        peers_.fetch_sub(1, std::memory_order_relaxed);
      }
      return found->second;
    }
    return insert(s, hash, name, true);
  }

  // With the counted bit set if the caller now owns a count.
  std::expected<std::uint32_t, atom_error> from_peer(std::string_view name, std::uint32_t counted_bit,
                                                     bool add) {
    const std::size_t hash = hash_of(name);
    shard& s = shards_[hash % shard_count];
    const std::lock_guard lock(s.mutex);
    if (const auto found = s.by_name.find(name); found != s.by_name.end()) {
      slot& existing = at(found->second);
      if (existing.permanent) return found->second;
      existing.count.fetch_add(1, std::memory_order_relaxed);
      return found->second | counted_bit;
    }
    if (!add) return std::unexpected(atom_error::limit);
    if (peers_.fetch_add(1, std::memory_order_relaxed) >= peer_limit_.load(std::memory_order_relaxed)) {
      peers_.fetch_sub(1, std::memory_order_relaxed);
      return std::unexpected(atom_error::limit);
    }
    return insert(s, hash, name, false) | counted_bit;
  }

  // The last count is given up under the lock, so nobody can find the atom while it goes.
  void release_last(std::uint32_t index) noexcept {
    slot& mine = at(index);
    shard& s = shards_[mine.shard];
    const std::lock_guard lock(s.mutex);
    if (mine.count.fetch_sub(1, std::memory_order_acq_rel) != 1 || mine.permanent) return;
    s.by_name.erase(mine.name);
    peers_.fetch_sub(1, std::memory_order_relaxed);
    mine.name.clear();
    const std::lock_guard free_lock(free_mutex_);
    free_.push_back(index); // has capacity: reserved when the slot was made
  }

  static slot& at(std::uint32_t index) noexcept {
    return segments[index / segment_slots].load(std::memory_order_acquire)[index % segment_slots];
  }

  std::atomic<std::size_t> peers_{0};
  std::atomic<std::size_t> peer_limit_{std::size_t{1} << 20};

private:
  static std::size_t hash_of(std::string_view name) noexcept {
    return detail::mix(std::hash<std::string_view>{}(name));
  }

  std::uint32_t insert(shard& s, std::size_t hash, std::string_view name, bool permanent) {
    const std::uint32_t index = take_slot();
    slot& fresh = at(index);
    fresh.name.assign(name);
    fresh.shard = static_cast<std::uint32_t>(hash % shard_count);
    fresh.hash = hash;
    fresh.permanent = permanent;
    fresh.count.store(permanent ? 0 : 1, std::memory_order_relaxed);
    s.by_name.emplace(fresh.name, index);
    return index;
  }

  std::uint32_t take_slot() {
    const std::lock_guard lock(free_mutex_);
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    if (next_ % segment_slots == 0) {
      if (next_ / segment_slots == max_segments) throw std::length_error("the atom table is full");
      free_.reserve(next_ + segment_slots);
      segments[next_ / segment_slots].store(std::make_unique<slot[]>(segment_slots).release(),
                                            std::memory_order_release);
    }
    return next_++;
  }

  std::array<shard, shard_count> shards_;
  std::mutex free_mutex_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

// Never destroyed: atoms in objects of static lifetime outlive everything.
table& atoms() {
  static table* const instance = new table;
  return *instance;
}

std::expected<void, atom_error> check(std::string_view utf8) {
  if (utf8.size() > atom::max_characters * 4) return std::unexpected(atom_error::too_long);
  const auto length = detail::utf8_length(utf8);
  if (!length) return std::unexpected(atom_error::bad_utf8);
  if (*length > atom::max_characters) return std::unexpected(atom_error::too_long);
  return {};
}

} // namespace

atom::atom(std::string_view utf8) {
  if (const auto ok = check(utf8); !ok) {
    if (ok.error() == atom_error::bad_utf8) throw std::invalid_argument("an atom's name must be UTF-8");
    throw std::length_error("an atom's name has at most 255 characters");
  }
  bits_ = atoms().make_permanent(utf8);
}

std::expected<atom, atom_error> atom::from_peer(std::string_view utf8) {
  if (const auto ok = check(utf8); !ok) return std::unexpected(ok.error());
  const auto bits = atoms().from_peer(utf8, counted_bit, true);
  if (!bits) return std::unexpected(bits.error());
  return atom(raw{}, *bits);
}

std::optional<atom> atom::existing(std::string_view utf8) {
  if (!check(utf8)) return {};
  const auto bits = atoms().from_peer(utf8, counted_bit, false);
  if (!bits) return {};
  return atom(raw{}, *bits);
}

void atom::set_peer_limit(std::size_t limit) noexcept {
  atoms().peer_limit_.store(limit, std::memory_order_relaxed);
}

std::size_t atom::peer_count() noexcept { return atoms().peers_.load(std::memory_order_relaxed); }

std::string_view atom::name() const noexcept {
  if (empty()) return {};
  return table::at(index()).name;
}

std::size_t atom::hash() const noexcept {
  if (empty()) return 0;
  return table::at(index()).hash;
}

void atom::retain(std::uint32_t bits) noexcept {
  table::at(bits & ~counted_bit).count.fetch_add(1, std::memory_order_relaxed);
}

void atom::release(std::uint32_t bits) noexcept {
  const std::uint32_t index = bits & ~counted_bit;
  auto& count = table::at(index).count;
  std::uint32_t seen = count.load(std::memory_order_relaxed);
  while (seen > 1) {
    if (count.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) return;
  }
  atoms().release_last(index);
}

} // namespace coppice
