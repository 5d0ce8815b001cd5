#include "servers/console/shell/console.hpp"

#include "servers/console/shell/api.hpp"
#include "servers/console/shell/feed.hpp"
#include "servers/console/shell/sampler.hpp"
#include "servers/console/shell/token.hpp"

#include <utility>
#include <vector>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;

observer::world world_of(node& home) {
  return {.summary = [&home](pid p) { return home.summary(p); },
          .alive = [&home](pid p) { return home.is_process_alive(p); },
          .now =
              [&home] {
                return std::chrono::duration_cast<std::chrono::milliseconds>(
                           home.time().system_now().time_since_epoch())
                    .count();
              }};
}

class console_sup : public coppice::supervisor {
public:
  explicit console_sup(std::shared_ptr<archive> kept) : kept_(std::move(kept)) {}
  [[nodiscard]] supervisor_flags flags() const { return {.intensity = 100, .period = 10s}; }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<sampler>("sampler", local(sampler::name), kept_)};
  }

private:
  std::shared_ptr<archive> kept_;
};

} // namespace

console::console(node& home, node_identity identity, console_options options)
    : kept_(std::make_shared<archive>(world_of(home), std::move(identity), options.shows_state)),
      token_(make_token()) {}

report_sink console::watcher() const {
  return [kept = kept_](const report& what) { kept->seen.take(what); };
}

child_description console::supervisor() const {
  return child<console_sup>("console_sup", local("console_sup"), kept_);
}

void console::mount(http::routes& routes) const {
  http::websocket_options feed;
  feed.limits.frame = feed.limits.message = std::uint64_t{64} << 10U;
  routes.websocket(
      "/console/ws",
      [kept = kept_, token = token_](http::request& r, http::websocket& page) {
        return serve_feed(r, page, kept, token);
      },
      feed);
  routes.any("/console/[...]",
             [kept = kept_, token = token_](http::request& r) { return serve(r, kept, token); });
}

} // namespace coppice::console
