// The process that looks at the node, for all pages at once: so that many pages cost no more than one. It
// walks over the processes a piece at a time, and rests nine times as long as it has worked.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/console/core/tree.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/archive.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::console {

/// One look at the node.
struct sample {
  std::int64_t at = 0; ///< ms since 1970
  node_figures node;
  std::shared_ptr<const tree> processes; ///< null: not asked for
  std::optional<list_page> list;
};

/// Asks for a look; `looked` comes back with the number.
struct look_wanted {
  pid page;
  std::uint64_t number = 0;
  bool tree = false;
  std::optional<list_query> list;
};
struct looked {
  std::uint64_t number = 0;
  std::shared_ptr<const sample> what;
};

/// It is time for the next piece of a walk, or for a walk.
struct next_piece {};
/// It is time for a point of the history.
struct next_point {};

/// One walk over all processes, for those who had asked by its beginning.
struct walk {
  std::vector<look_wanted> asked;
  census list;
  std::optional<tree_picker> picker; ///< none: nobody wants a tree
  std::vector<process_summary> picked;
  std::unordered_map<pid, atom> names;
  std::uint32_t at = 0;
  duration worked{};
};

class sampler : public gen_server {
public:
  using protocol = coppice::protocol<casts<look_wanted>, infos<next_piece>, infos<next_point>>;
  static constexpr const char* name = "console_sampler";
  /// No two walks begin within this time.
  static constexpr duration freshness = std::chrono::milliseconds(100);
  /// Without anybody asking it walks this seldom, for the ages of processes.
  static constexpr duration idle_period = std::chrono::seconds(10);
  /// So much longer than a walk's work is the time to the next one.
  static constexpr int rest = 10;
  static constexpr std::uint32_t piece = 2048;     ///< places of the table at once
  static constexpr std::size_t most_at_once = 32;  ///< who asked, in one walk
  static constexpr std::size_t most_asking = 1000; ///< waiting; who comes then asks again

  explicit sampler(std::shared_ptr<archive> kept) : kept_(std::move(kept)) {}

  void init();
  void handle_cast(const look_wanted& wanted);
  void handle_info(next_piece);
  void handle_info(next_point);

private:
  void begin_walk(time_point at);
  void look_at_piece();
  void end_walk();
  [[nodiscard]] std::shared_ptr<const tree> build_tree() const;
  [[nodiscard]] node_figures figures() const;
  [[nodiscard]] std::string name_of(const process_glimpse& process, const place& where) const;

  std::shared_ptr<archive> kept_;
  std::vector<look_wanted> waiting_;
  std::optional<walk> walk_;
  time_point begun_{};     ///< the last walk
  time_point may_begin_{}; ///< the next one
  bool timer_set_ = false; ///< for next_piece
};

} // namespace coppice::console
