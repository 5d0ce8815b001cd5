// Which operations a table has seen, in a few words: so that two tables can say how far they agree. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coppice::chat {

/// The operations that one node ordered, without another's between them.
struct tenure {
  std::string id;         ///< of that node at that time: random
  std::uint64_t last = 0; ///< the number of the last of them
};

/// All operations of a table, numbered 1, 2, 3, ... A tenure's id stands for all that came before it too.
class history {
public:
  /// Tenures that are told apart; what is older is no longer compared.
  static constexpr std::size_t longest = 32;

  history() = default;
  explicit history(std::string first) { tenures_.push_back({std::move(first), 0}); }
  /// As it came from another node; one that makes no sense is empty.
  explicit history(std::vector<tenure> tenures);

  [[nodiscard]] std::uint64_t last() const noexcept { return tenures_.empty() ? 0 : tenures_.back().last; }
  [[nodiscard]] const std::vector<tenure>& tenures() const noexcept { return tenures_; }
  /// One operation more.
  void advance() noexcept { ++tenures_.back().last; }
  /// What follows is ordered by another.
  void begin(std::string id);
  /// How many of the first operations both have; nothing if they have nothing in common.
  [[nodiscard]] std::optional<std::uint64_t> common_with(const history& other) const;

private:
  std::vector<tenure> tenures_;
};

} // namespace coppice::chat
