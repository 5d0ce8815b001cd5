#include "tests/sim/simulated_net.hpp"

#include "coppice/dist/detail/carrier.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/timer.hpp"

#include <chrono>
#include <functional>
#include <utility>
#include <variant>

namespace coppice::sim {

using namespace literals;
using namespace std::chrono_literals;
using dist::detail::peer;

namespace {

using in_net = held<simulated_net>;
using side = simulated_net::side;

constexpr duration setup_time = 2s;
constexpr duration tick_time = 1s;
constexpr int silent_ticks = 5;
constexpr std::uint32_t creation = 7;
const char* const cookie = "secret";

struct tick {};

/// One end of a stream, which ends with its process.
class stream_end {
public:
  stream_end(in_net net, side here, std::size_t stream) : net_(net), here_(here), stream_(stream) {}
  ~stream_end() { net_->wire().close(stream_, here_); }
  stream_end(const stream_end&) = delete;
  stream_end& operator=(const stream_end&) = delete;
  void write(std::string bytes, bool whole = false) {
    net_->wire().write(stream_, here_, std::move(bytes), whole);
  }

private:
  in_net net_;
  side here_;
  std::size_t stream_;
};

/// As long as it lives there is a connection; then all are told.
class connection {
public:
  connection(in_net net, peer& with, const dist::detail::connected_node& node)
      : net_(net), with_(with), number_(with.established(node)) {}
  ~connection() {
    if (!number_) return;
    net_->count_loss();
    with_.lost(*number_);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  [[nodiscard]] std::optional<std::uint64_t> number() const { return number_; }

private:
  in_net net_;
  peer& with_;
  std::optional<std::uint64_t> number_;
};

dist::handshake_side own_side(in_net net, side here) {
  return {.self = {.name = std::string(net->name(here).name()), .creation = creation, .can = dist::offered},
          .cookie = cookie,
          .challenge = static_cast<std::uint32_t>(net->in().choices().next())};
}

/// Lets the signals that have come take effect; false if the bytes are none.
bool take_signals(in_net net, peer& with, dist::frame_reader& reader) {
  for (;;) {
    std::expected<std::optional<dist::signal>, std::string> next = reader.next();
    net->in().expect(next.has_value(), "what arrives is no signal");
    if (!next) return false;
    if (!*next) return true;
    with.receive(std::move(**next));
  }
}

task<> carry(self me, in_net net, side here, stream_end* end, dist::detail::agreed what,
             std::function<void()> when_up) {
  peer& with = net->other(here);
  const dist::detail::connected_node node{what.common, what.peer.creation, me.id(), what.dialled,
                                          what.replaces};
  connection up(net, with, node);
  if (when_up) when_up();
  if (!up.number()) co_return;
  auto reader = std::make_unique<dist::frame_reader>(what.common, with.names());
  send_after(tick_time, me.id(), tick());
  for (int silent = 0; silent < silent_ticks;) {
    for (std::string out;; out.clear()) {
      with.take(*up.number(), out, 1 + net->in().choices().below(1000));
      if (out.empty()) break;
      end->write(out);
    }
    auto got = co_await me.receive<arrived, tick, dist::detail::poke, dist::detail::close_connection>();
    if (std::holds_alternative<dist::detail::close_connection>(got)) co_return;
    if (std::holds_alternative<tick>(got)) {
      ++silent;
      end->write(std::string(4, '\0'));
      send_after(tick_time, me.id(), tick());
    }
    if (const auto* bytes = std::get_if<arrived>(&got)) {
      silent = 0;
      reader->feed(bytes->bytes);
      if (bytes->bytes.empty() || !take_signals(net, with, *reader)) co_return;
    }
  }
}

// --- set-up ---

/// The name that a newcomer was let in by.
class noted {
public:
  explicit noted(dist::detail::meeting& met) : met_(met) {}
  ~noted() { over(); }
  noted(const noted&) = delete;
  noted& operator=(const noted&) = delete;
  void is(const std::string& name) { name_ = name; }
  void over() {
    if (!name_.empty()) met_.over(std::exchange(name_, {}));
  }

private:
  dist::detail::meeting& met_;
  std::string name_;
};

process accept(self me, in_net net, side here, std::size_t stream) {
  stream_end end(net, here, stream);
  noted newcomer(net->met[here]);
  dist::handshake_in steps(own_side(net, here));
  dist::admission how = dist::admission::not_allowed;
  while (!steps.done()) {
    std::optional<arrived> message = co_await me.receive<arrived>(setup_time);
    if (!message || message->bytes.empty()) co_return;
    dist::handshake_step next = steps.step(message->bytes);
    if (steps.asks()) {
      const auto decide = [&] { return dist::detail::welcome{net->other(here).admit(), {}}; };
      how = net->met[here].let_in(steps.peer().name, decide).how;
      if (how != dist::admission::nok) newcomer.is(steps.peer().name);
      next = steps.admit(how);
    }
    for (std::string& m : next.send) end.write(std::move(m), true);
    if (next.failed) co_return;
  }
  std::function<void()> when_up = [&newcomer] { newcomer.over(); };
  dist::detail::agreed agreed{steps.peer(), steps.common(), false, how == dist::admission::alive};
  co_await carry(me, net, here, &end, std::move(agreed), std::move(when_up));
}

class attempt {
public:
  attempt(in_net net, peer& with, pid process) : net_(net), with_(with), process_(process) {}
  ~attempt() {
    if (!with_.is_up()) net_->count_loss();
    with_.attempt_failed(process_);
  }
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;

private:
  in_net net_;
  peer& with_;
  pid process_;
};

/// The other's attempt goes on in place of ours.
task<> wait_for_theirs(const peer* with) {
  const time_point until = now() + setup_time;
  while (!with->is_up() && now() < until) co_await idle_for(20ms);
}

task<bool> begin(self me, in_net net, side here) {
  peer& with = net->other(here);
  bool begun = false;
  const std::function<void()> mine = [&] { begun = with.begin_attempt(me.id()); };
  const time_point enough = now() + 1s;
  while (!net->met[here].begin_unless_coming(std::string(with.name().name()), mine)) {
    if (with.is_up()) co_return false;
    if (now() >= enough) co_return with.begin_attempt(me.id());
    co_await idle_for(2ms);
  }
  co_return begun;
}

process dial(self me, in_net net, side here) {
  peer& with = net->other(here);
  const bool begun = co_await begin(me, net, here);
  if (!begun) co_return;
  attempt tries(net, with, me.id());
  stream_end end(net, here, net->wire().open(here, me.id()));
  dist::handshake_out steps(own_side(net, here), std::string(with.name().name()), with.is_up());
  end.write(steps.start(), true);
  while (!steps.done()) {
    std::optional<arrived> message = co_await me.receive<arrived>(setup_time);
    if (!message || message->bytes.empty()) co_return;
    steps.set_connected(with.is_up());
    dist::handshake_step next = steps.step(message->bytes);
    for (std::string& m : next.send) end.write(std::move(m), true);
    if (!next.failed) continue;
    co_await wait_for_theirs(&with);
    co_return;
  }
  dist::detail::agreed agreed{steps.peer(), steps.common(), true, steps.replaces()};
  std::function<void()> nothing;
  co_await carry(me, net, here, &end, std::move(agreed), std::move(nothing));
}

/// In place of the net kernel.
class dialler : public gen_server {
public:
  using protocol = coppice::protocol<casts<dist::detail::connection_wanted>>;
  dialler(in_net net, side here) : net_(net), here_(here) {}
  void handle_cast(const dist::detail::connection_wanted&) { spawn(&dial, net_, here_); }

private:
  in_net net_;
  side here_;
};

process keep_dialler(self me, in_net net, side here) {
  auto started = co_await start<dialler>(net, here);
  net->network(here).net_kernel = started->resolve()->id;
  co_await end_of(me, *started->resolve());
}

} // namespace

simulated_net::simulated_net(world& w)
    : world_(w), nodes_{&w.home(), &w.add_node()},
      networks_{&dist::detail::network_for(*nodes_[0], "a@sim"_atom, creation),
                &dist::detail::network_for(*nodes_[1], "b@sim"_atom, creation)},
      wire_(w, *nodes_[1], [this](side s, std::size_t stream) {
        return nodes_[s]->spawn(&accept, in_net(*this), s, stream);
      }) {}

atom simulated_net::name(side s) const { return networks_[s]->names.own(); }
peer& simulated_net::other(side s) { return *networks_[s]->find(name(1 - s)); }
pid simulated_net::from(side s, pid process) { return {process.id, other(s).number(), creation}; }

void simulated_net::start(side s) { nodes_[s]->spawn(&keep_dialler, in_net(*this), s); }

void simulated_net::stop(side s) {
  other(s).disconnect("over"_atom);
  const pid kernel{networks_[s]->net_kernel.exchange(0)};
  nodes_[s]->exit(kernel, exit_reason::kill());
}

} // namespace coppice::sim
