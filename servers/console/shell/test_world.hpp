// What the tests of the console's processes share: a stepped node with an archive, and somebody to look at.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/console/shell/archive.hpp"
#include "servers/console/shell/sampler.hpp"

#include <chrono>
#include <memory>
#include <string>

/// All of it may be used from any thread; what is not says by which lock.
template <>
struct coppice::enable_sendable<std::shared_ptr<coppice::console::archive>> {
  static constexpr bool value = true;
};

namespace coppice::console::test {

using namespace std::chrono_literals;
using namespace literals;

/// So much later than asked for a timer may go off, in a test's arithmetic.
constexpr duration timers_grain = 1ms;

struct parcel {};
struct ask_slowly {};

/// A server with a state, that can be slow.
class clerk : public gen_server {
public:
  using protocol = coppice::protocol<casts<parcel>, casts<ask_slowly>>;
  explicit clerk(std::size_t size = 1) : text_(size, 'x') {}
  void init() { set_label("the clerk"); }
  void handle_cast(parcel) {}
  task<void> handle_cast(ask_slowly) { co_await idle_for(10s); }
  [[nodiscard]] term state() const { return term(text_); }

private:
  std::string text_;
};

/// A process that takes nothing, so that its mailbox keeps what it is sent.
inline process sits(self me) { co_await me.receive<ask_slowly>(); }

/// A stepped node that is looked at. Time passes only when all that runs has run.
struct world {
  explicit world(bool shows_state = true)
      : kept(std::make_shared<archive>(
            observer::world{.summary = [this](pid p) { return home.summary(p); },
                            .alive = [this](pid p) { return home.is_process_alive(p); },
                            .now =
                                [this] {
                                  return std::chrono::duration_cast<std::chrono::milliseconds>(
                                             home.time().system_now().time_since_epoch())
                                      .count();
                                }},
            node_identity{.name = "test@here", .version = "1", .root = "root_sup"}, shows_state)) {
    home.set_report_sink([kept = kept](const report& what) { kept->seen.take(what); });
  }

  node home{stepped()};
  std::shared_ptr<archive> kept;
};

inline task<pid> start_sampler(std::shared_ptr<archive> kept) {
  start_result<sampler> s = co_await start<sampler>(local(sampler::name), std::move(kept));
  co_return *s->resolve();
}

} // namespace coppice::console::test
