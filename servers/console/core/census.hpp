// The list of processes: of however many there are, those that a page asks for, found in one walk over all
// that goes a piece at a time. Pure; not thread-safe.
#pragma once

#include "coppice/runtime/info.hpp"
#include "coppice/term/sendable.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Its texts are of static storage, so it may be in a message.
template <>
struct coppice::enable_sendable<coppice::process_glimpse> {
  static constexpr bool value = true;
};

namespace coppice::console {

/// By what the list is sorted.
enum class list_order : std::uint8_t { mailbox, busy, reductions, age, pid };
[[nodiscard]] const char* to_string(list_order order) noexcept;
[[nodiscard]] std::optional<list_order> parse_list_order(std::string_view text) noexcept;

/// Which part of the list a page looks at.
struct list_query {
  static constexpr std::size_t most_rows = 100;  ///< at once
  static constexpr std::size_t deepest = 10'000; ///< rows of the sorted list that can be reached

  std::string filter; ///< in lower case; part of a name, pid, module or behaviour
  list_order order = list_order::mailbox;
  bool ascending = false;
  std::size_t offset = 0;
  std::size_t limit = 50;

  friend bool operator==(const list_query&, const list_query&) = default;
};

/// What one process did lately.
struct activity {
  std::uint64_t busy = 0; ///< reductions a second since the last walk
  std::int64_t age = 0;   ///< ms
};

struct list_row {
  process_glimpse process;
  activity lately;
  std::string name;
};

struct list_page {
  list_query query;
  std::size_t total = 0;   ///< processes looked at
  std::size_t matched = 0; ///< of them
  std::vector<list_row> rows;
};

/// When each process was seen first, and what it had done by the last walk: 24 bytes a process.
class sightings {
public:
  /// A walk begins; times in ms on one clock, `started` that of the node's start.
  void begin_walk(std::int64_t now, std::int64_t started) noexcept;
  /// Notes the process in the present walk.
  activity note(const process_glimpse& process);
  /// What is known of it between walks.
  [[nodiscard]] activity of(const process_glimpse& process, std::int64_t now) const noexcept;

private:
  struct seen {
    std::uint64_t id = 0;
    std::uint64_t reductions = 0;
    std::uint32_t since = 0; ///< s after the start
    std::uint32_t busy = 0;  ///< as of the last walk
  };
  std::vector<seen> by_slot_;
  std::int64_t started_ = 0;
  std::int64_t present_ = 0;
  std::int64_t last_ = 0; ///< when the walk before began; 0: there was none
};

/// One walk. Give it all processes, then take the pages.
class census {
public:
  census(std::vector<list_query> queries, sightings& known) : known_(known) {
    for (list_query& q : queries) searches_.push_back({std::move(q), {}, 0, {}});
  }
  /// Whether names are needed to answer.
  [[nodiscard]] bool wants_names() const noexcept;
  /// `names` belong to `piece`, or are none where they are not needed.
  void add(std::span<const process_glimpse> piece, std::span<const std::string> names);
  [[nodiscard]] std::size_t total() const noexcept { return total_; }
  /// The pages, in the order of the queries; the names of their rows are left to the caller. Ends the census.
  std::vector<list_page> finish();

private:
  struct candidate {
    std::uint64_t key = 0;
    list_row row;
  };
  struct search {
    list_query query;
    std::vector<candidate> found;
    std::size_t matched = 0;
    std::map<const char*, bool> texts; ///< which texts of static storage match
  };
  static bool matches(search& s, const process_glimpse& p, std::string_view name);
  static void take(search& s, const process_glimpse& p, const activity& lately);
  static void shrink(search& s, std::size_t to);

  sightings& known_;
  std::vector<search> searches_;
  std::size_t total_ = 0;
};

/// ASCII letters in lower case, all else as it is.
std::string lower(std::string_view text);

} // namespace coppice::console
