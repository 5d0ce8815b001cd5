// The inside of tables: one writer and several readers, with every order of accesses that a seed chooses.
#include "coppice/runtime/detail/owned_map.hpp"

#include "tests/interleaving/fibers.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

namespace coppice::interleaving {
namespace {

/// Knows whether it is alive, and how many of them are, but for copies.
class watched {
public:
  watched(int number, int& alive) : number_(number), alive_(&alive) { ++alive; }
  watched(const watched& other) : number_(other.number()) {}
  watched(watched&& other) noexcept : number_(other.number_), alive_(other.alive_) {
    if (alive_ != nullptr) ++*alive_;
  }
  watched& operator=(const watched&) = delete;
  ~watched() {
    sign_ = 0;
    if (alive_ != nullptr) --*alive_;
  }
  [[nodiscard]] int number() const {
    if (sign_ != mark) throw std::logic_error("a value was read that had been freed");
    return number_;
  }

private:
  static constexpr std::uint64_t mark = 0x11fe11fe11feULL;
  volatile std::uint64_t sign_ = mark;
  int number_;
  int* alive_ = nullptr;
};

/// Few hashes, so that keys meet in one place of the list.
struct poor_hash {
  std::size_t operator()(int key) const noexcept { return static_cast<std::size_t>(key % 5); }
};
template <class Hash>
using map_of = detail::owned_map<int, watched, Hash, std::equal_to<int>>;

struct outcome {
  std::string wrong;
  std::uint64_t switches = 0;
};

constexpr int keys = 12;

/// One map, its writer and its readers under one seed.
template <class Hash>
class played {
public:
  explicit played(std::uint64_t seed) : seed_(seed), threads_(seed, std::make_shared<manual_clock>()) {}

  outcome run() {
    {
      map_of<Hash> map;
      threads_.add([&] { write(map); });
      for (std::uint64_t r = 1; r <= 3; ++r) threads_.add([&, r] { read(map, r); });
      threads_.run([] { return false; });
      for (int key = 0; key < keys; ++key) {
        int number = 0;
        map.visit(key, 0, [&number](const watched& value) { number = value.number(); });
        if (number != newest_[key]) wrong("the newest value is not there");
      }
    }
    if (alive_ != 0) wrong(fmt::format("{} values are left", alive_));
    o_.switches = threads_.switches();
    return o_;
  }

private:
  void wrong(const std::string& what) {
    if (o_.wrong.empty()) o_.wrong = what;
  }

  void write(map_of<Hash>& map) {
    sim::random choices(seed_ ^ 0x3333);
    for (int n = 1; n <= 120; ++n) {
      int key = choices.between(0, keys - 1);
      if (choices.chance(300)) {
        newest_[key] = 0;
        map.erase(key);
      } else {
        newest_[key] = n;
        map.insert(key, watched(n, alive_));
      }
      if (choices.chance(10)) {
        newest_.clear();
        map.clear();
      }
      // Those in the map, those that wait to be freed, and those that readers hold.
      if (alive_ > keys + static_cast<int>(map_of<Hash>::most_retired) + 8) wrong("too many values wait");
    }
    writing_ = false;
  }

  void read(map_of<Hash>& map, std::uint64_t which) {
    sim::random choices(seed_ ^ (0x7777 * which));
    std::map<int, int> seen; // never older than what was seen before
    try {
      while (writing_) {
        int key = choices.between(0, keys - 1);
        if (choices.chance(100)) {
          std::map<int, int> once;
          for (const auto& [k, value] : map.copy(which)) {
            if (!once.emplace(k, value.number()).second) wrong("a key came twice");
          }
        } else {
          map.visit(key, which, [&](const watched& value) {
            detail::yield_point();
            if (value.number() < seen[key]) wrong("an older value came after a newer one");
            seen[key] = value.number();
            detail::yield_point();
            static_cast<void>(value.number()); // it is kept while we look
          });
        }
        detail::yield_point();
      }
    } catch (const std::exception& error) {
      wrong(error.what());
    }
  }

  std::uint64_t seed_;
  fibers threads_;
  outcome o_;
  int alive_ = 0;
  std::map<int, int> newest_; ///< 0: it is not there
  bool writing_ = true;
};

template <class Hash>
void hold_all(std::uint64_t seeds) {
  std::uint64_t switches = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    outcome o = played<Hash>(seed).run();
    ASSERT_TRUE(o.wrong.empty()) << o.wrong << ", seed " << seed;
    switches += o.switches;
  }
  EXPECT_GT(switches, seeds * 10);
}

TEST(owned_map, readers_see_whole_values_that_live) { hold_all<std::hash<int>>(800); }

TEST(owned_map, keys_that_share_a_place_are_told_apart) { hold_all<poor_hash>(800); }

/// A reader that stands still in the middle of a read, for ever as far as the others can tell.
TEST(owned_map, nobody_waits_for_a_reader_that_stands_still) {
  auto time = std::make_shared<manual_clock>();
  fibers threads(1, time);
  int alive = 0;
  bool done = false;
  int seen = 0;
  {
    map_of<std::hash<int>> map;
    map.insert(1, watched(1, alive));
    threads.add([&] {
      map.visit(1, 0, [&](const watched& value) {
        threads.rest_until([&] { return done; });
        seen = value.number();
      });
    });
    threads.add([&] {
      for (int n = 2; n < 1000; ++n) map.insert(1, watched(n, alive));
      EXPECT_LE(alive, static_cast<int>(map_of<std::hash<int>>::most_retired) + 3);
      done = true;
    });
    threads.run([] { return false; });
  }
  EXPECT_EQ(seen, 1) << "what it looked at stayed";
  EXPECT_EQ(alive, 0);
}

} // namespace
} // namespace coppice::interleaving
