// The process that looks at the node, for all pages at once: so that many pages cost no more than one.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/console/core/observer.hpp"
#include "servers/console/core/tree.hpp"
#include "servers/console/proto/frames.hpp"

#include <memory>
#include <string>
#include <utility>

namespace coppice::console {

/// What does not change while the node runs.
struct node_identity {
  std::string name;    ///< `coppice@host`
  std::string version; ///< of the program
  std::string root;    ///< the registered name of the supervisor above all
};

/// One look at the node.
class sample {
public:
  sample(std::int64_t at, node_figures node, tree processes)
      : at_(at), node_(std::move(node)), tree_(std::move(processes)) {}
  [[nodiscard]] std::int64_t at() const noexcept { return at_; } ///< ms since 1970
  [[nodiscard]] const node_figures& node() const noexcept { return node_; }
  [[nodiscard]] const tree& processes() const noexcept { return tree_; }

private:
  std::int64_t at_;
  node_figures node_;
  tree tree_;
};

/// Asks for a sample that is at most `sampler::freshness` old.
struct take_sample {};

class sampler : public gen_server {
public:
  using protocol = coppice::protocol<calls<take_sample, std::shared_ptr<const sample>>>;
  static constexpr const char* name = "console_sampler";
  /// Within this time everybody gets the same sample: it bounds the work, whatever is asked.
  static constexpr duration freshness = std::chrono::milliseconds(100);
  /// More processes than this are counted, not shown.
  static constexpr std::size_t most_processes = 200'000;

  sampler(std::shared_ptr<observer> seen, node_identity identity)
      : seen_(std::move(seen)), identity_(std::move(identity)) {}

  std::shared_ptr<const sample> handle_call(take_sample);

private:
  [[nodiscard]] node_figures figures(time_point at);
  [[nodiscard]] tree look() const;

  std::shared_ptr<observer> seen_;
  node_identity identity_;
  std::shared_ptr<const sample> last_;
  time_point taken_{};
  std::uint64_t messages_ = 0; ///< sent until `taken_`
};

} // namespace coppice::console
