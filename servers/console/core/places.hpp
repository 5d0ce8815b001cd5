// Places in the supervision tree, as supervisors' reports tell of them: which child stands where, and how
// often its place was started again. Pure; not thread-safe.
#pragma once

#include "coppice/term/id.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::console {

/// Where a process stands.
struct place {
  std::string id{};           ///< the child id; empty: no supervisor told of it
  bool dynamic = false;       ///< of a simple_one_for_one supervisor, whose children have no id of their own
  std::uint64_t order = 0;    ///< among siblings with an id, by their first start; else 0
  std::uint32_t restarts = 0; ///< how often the place was started again
};

/// A child that is just not running.
struct vacancy {
  pid supervisor;
  std::string id;
  bool restarting = false; ///< its supervisor is about to start it again
  std::uint64_t order = 0;
  std::uint32_t restarts = 0;
};

class places {
public:
  /// `alive` tells which processes still live: what is known of the dead is given up when there is much of
  /// it.
  explicit places(std::function<bool(pid)> alive) : alive_(std::move(alive)) {}

  /// A supervisor has started a child with an id of its own. Gives the process that stood there before, if
  /// there was one.
  std::optional<pid> started(pid supervisor, const std::string& id, pid child, bool permanent);
  /// A supervisor has started a dynamic child again.
  void started_again(const std::string& id, pid old, pid child);
  /// A child with an id has ended, by a supervisor's report.
  void ended(pid supervisor, const std::string& id, pid child, bool restarting);
  /// A process nobody supervises (the root) was started again in place of another.
  void replaced(pid old, pid now);

  [[nodiscard]] place of(pid process) const;
  /// The children of living supervisors that do not run: those to be restarted, and permanent ones.
  [[nodiscard]] std::vector<vacancy> vacancies() const;
  /// Of all supervisors since the start.
  [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }
  /// How many processes are known.
  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }

private:
  struct child {
    pid process;
    std::uint64_t order = 0;
    std::uint32_t restarts = 0;
    bool running = true;
    bool restarting = false;
    bool permanent = true;
  };
  using children = std::unordered_map<std::string, child>; ///< by id

  void forget_the_dead();

  std::function<bool(pid)> alive_;
  std::unordered_map<pid, children> supervisors_;
  std::unordered_map<pid, place> places_;
  std::uint64_t next_order_ = 1;
  std::uint64_t restarts_ = 0;
  std::size_t look_at_ = 4096; ///< how many places are known when the dead are looked for next
};

} // namespace coppice::console
