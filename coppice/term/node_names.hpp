// The names behind the numbers that stand for nodes in pids, references and ports.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <unordered_map>

#include "coppice/term/atom.hpp"

namespace coppice {

/// Numbers for the names of nodes: a pid holds the number, the external term format the name.
///
/// 0 is the node itself. A number, once given, keeps its meaning: pids are plain values that nobody counts.
/// What peers mention is therefore bounded. Thread-safe; `name` takes no lock.
class node_names {
public:
  /// So many names get a number because a term mentions them.
  static constexpr std::uint32_t most_mentioned = 65536;
  /// So many in all, the others because they have been connected with: as many as Erlang has atoms.
  static constexpr std::uint32_t most = 1U << 20U;

  /// `own` is the full name of the node (`cpp@127.0.0.1`), `creation` tells its incarnations apart.
  node_names(const atom& own, std::uint32_t creation);
  /// The same numbers under another name of the node: for peers that know it by that one.
  node_names(const atom& own, std::uint32_t creation, node_names& numbers);
  ~node_names();
  node_names(const node_names&) = delete;
  node_names& operator=(const node_names&) = delete;

  /// The node itself.
  [[nodiscard]] const atom& own() const noexcept { return identity().name; }
  /// Of the node itself; 0 before it has one.
  [[nodiscard]] std::uint32_t creation() const noexcept { return identity().creation; }
  /// Gives a name to a node that had none so far; once.
  void become(const atom& own, std::uint32_t creation);

  /// The number of a node that a term mentions, a new one if need be; nothing if the name is none of an atom
  /// or `most_mentioned` are in use. Never 0: the node's own name gets a number as well, for the identities
  /// of its earlier incarnations.
  std::optional<std::uint32_t> mention(std::string_view name) { return number(name, use::mentioned); }
  /// The same for a node that is to be connected to.
  std::optional<std::uint32_t> connect(std::string_view name) { return number(name, use::connected); }
  /// The name behind a number that was given; the node's own for 0.
  [[nodiscard]] const atom& name(std::uint32_t number) const noexcept;

private:
  static constexpr std::uint32_t chunk_size = 1024;
  static constexpr std::uint32_t max_chunks = most / chunk_size;
  using chunk = std::array<atom, chunk_size>;

  struct self {
    atom name;
    std::uint32_t creation;
  };

  [[nodiscard]] const self& identity() const noexcept {
    return self_[became_.load(std::memory_order_acquire) ? 1 : 0];
  }
  enum class use : std::uint8_t { mentioned, connected };
  std::optional<std::uint32_t> number(std::string_view name, use why);

  std::array<self, 2> self_; ///< at first, and once it has become another
  std::atomic<bool> became_{false};
  node_names* numbers_of_ = nullptr; ///< whose numbers they are; null: its own
  std::array<std::atomic<chunk*>, max_chunks> chunks_{};
  std::shared_mutex lock_; ///< over what follows, and over adding a name
  std::uint32_t next_ = 1;
  std::uint32_t mentioned_ = 0; ///< names that have a number for no other reason
  std::unordered_map<std::string_view, std::uint32_t> numbers_; ///< the texts are those of the atoms
};

} // namespace coppice
