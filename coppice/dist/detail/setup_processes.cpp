// The processes that set connections up: those of newcomers, and those that connect.
#include "coppice/dist/detail/net_kernel.hpp"
#include "coppice/dist/detail/setup.hpp"
#include "coppice/dist/epmd_client.hpp"

#include <charconv>
#include <cstdlib>
#include <random>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;
using reason = handshake_error::reason;

namespace {

/// Numbers that nobody can predict.
std::uint32_t unpredictable() {
  std::random_device device;
  return static_cast<std::uint32_t>(device());
}

std::uint16_t epmd_port_of(const options& how) {
  if (how.epmd_port != 0) return how.epmd_port;
  const char* set = std::getenv("ERL_EPMD_PORT");
  std::uint16_t port = epmd_default_port;
  if (set != nullptr) {
    const std::string_view text(set);
    std::from_chars(text.data(), text.data() + text.size(), port);
  }
  return port;
}

std::string_view host_of(std::string_view node) { return node.substr(node.find('@') + 1); }
std::string_view short_name_of(std::string_view node) { return node.substr(0, node.find('@')); }

} // namespace

setting::setting(options o, network& all)
    : how(std::move(o)), net(all), epmd_port(epmd_port_of(how)), newcomers(how.max_half_open) {}

handshake_side setting::side() const {
  capabilities can = offered;
  if (how.published) can = can.with(capabilities::of(capability::published));
  return {.self = {.name = how.name, .creation = net.names.creation(), .can = can},
          .cookie = how.cookie,
          .challenge = unpredictable()};
}

// --- newcomers ---

namespace {

class newcomer {
public:
  newcomer(half_open& all, pid process) : all_(all), process_(process) { all_.enter(process); }
  ~newcomer() { all_.leave(process_); }
  newcomer(const newcomer&) = delete;
  newcomer& operator=(const newcomer&) = delete;

private:
  half_open& all_;
  pid process_;
};

/// A name for a node that has none, which nobody else has.
node_identity fresh_identity(std::string_view host) {
  constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  node_identity made;
  std::uint64_t number = std::uint64_t{unpredictable()} << 32U | unpredictable();
  for (; number != 0; number /= digits.size()) made.name.push_back(digits[number % digits.size()]);
  made.name += "@" + std::string(host);
  made.creation = unpredictable() | 4U;
  return made;
}

} // namespace

welcome meeting::let_in(const std::string& name, const std::function<welcome()>& decide) {
  std::lock_guard guard(lock_);
  welcome answer = decide();
  const bool in = answer.how != admission::nok && answer.how != admission::not_allowed;
  if (in) coming_.insert(name);
  return answer;
}

void meeting::over(const std::string& name) noexcept {
  std::lock_guard guard(lock_);
  if (const auto found = coming_.find(name); found != coming_.end()) coming_.erase(found);
}

bool meeting::begin_unless_coming(const std::string& name, const std::function<void()>& begin) {
  std::lock_guard guard(lock_);
  if (coming_.contains(name)) return false;
  begin();
  return true;
}

namespace {

/// The name that a newcomer has been let in by, until its connection counts or it is gone.
class noted_name {
public:
  explicit noted_name(meeting& met) : met_(met) {}
  ~noted_name() { over(); }
  noted_name(const noted_name&) = delete;
  noted_name& operator=(const noted_name&) = delete;
  void is(std::string name) { name_ = std::move(name); }
  void over() noexcept {
    if (!name_.empty()) met_.over(std::exchange(name_, {}));
  }

private:
  meeting& met_;
  std::string name_;
};

welcome answer_to(const setting& what, const handshake_in& side) {
  const std::string& name = side.peer().name;
  if (side.wants_name()) {
    const std::size_t at = name.find('@');
    return {admission::ok, fresh_identity(at == std::string::npos ? name : host_of(name))};
  }
  if (name == what.how.name) return {admission::not_allowed, {}};
  const peer* known = what.net.known(name);
  return {known == nullptr ? admission::ok : known->admit(), {}};
}

void report_refused(network& all, const std::string& node, const handshake_error& why) {
  all.home.report(report{severity::warning,
                         "connection_refused",
                         self_pid(),
                         {{"node", node}, {"why", why.message}},
                         exit_reason()});
}

/// Until it has proved the cookie.
task<std::expected<agreed, handshake_error>> let_in(shared_setting what, net::stream* connection,
                                                    noted_name* noted) {
  newcomer counted(what->newcomers, self_pid());
  handshake_side mine = what->side();
  const time_point until = now() + what->how.setup_time;
  std::function<welcome(const handshake_in&)> admit = [what, noted](const handshake_in& side) {
    const std::string& name = side.peer().name;
    welcome answer = what->met.let_in(name, [&] { return answer_to(*what, side); });
    if (answer.how != admission::nok && answer.how != admission::not_allowed) noted->is(name);
    return answer;
  };
  auto done = co_await welcome_in(connection, std::move(mine), std::move(admit), until);
  co_return done;
}

} // namespace

task<> accept_peer(self, net::stream connection, shared_setting what) {
  noted_name noted(what->met);
  auto in = co_await let_in(what, &connection, &noted);
  if (!in) {
    if (in.error().why == reason::wrong_cookie) report_refused(what->net, "a node", in.error());
    co_return;
  }
  // Only now, as it has proved the cookie, is its name kept.
  const std::optional<std::uint32_t> number = what->net.names.connect(in->peer.name);
  peer* with = number ? what->net.find(*number) : nullptr;
  if (with == nullptr) {
    what->net.home.report(report{severity::error,
                                 "too_many_nodes",
                                 self_pid(),
                                 {{"node", in->peer.name},
                                  {"why", "no more names of nodes can be kept; nodes that come and go should "
                                          "come back under the names that they had"}},
                                 exit_reason()});
    co_return;
  }
  std::function<void()> when_up = [&noted] { noted.over(); };
  co_await carry(&what->net, with, &connection, std::move(*in), what->how.frames, std::move(when_up));
}

// --- connecting ---

namespace {

class attempt_guard {
public:
  attempt_guard(peer& with, pid process) : with_(with), process_(process) {}
  ~attempt_guard() { with_.attempt_failed(process_); }
  attempt_guard(const attempt_guard&) = delete;
  attempt_guard& operator=(const attempt_guard&) = delete;

private:
  peer& with_;
  pid process_;
};

using found = std::expected<net::endpoint, std::string>;

/// Where a node listens.
task<found> find_node(shared_setting what, std::string node, time_point until) {
  if (const auto known = what->how.known.find(node); known != what->how.known.end()) co_return known->second;
  const std::string host(host_of(node));
  const std::uint16_t ask = what->how.epmd == epmd_use::none ? what->listen_port.load() : what->epmd_port;
  const bool bare_v6 = host.find(':') != std::string::npos;
  auto at = net::endpoint::parse((bare_v6 ? "[" + host + "]" : host) + ":" + std::to_string(ask));
  if (!at) {
    auto all = co_await net::resolve(host, ask, until - now());
    if (!all) co_return std::unexpected(std::move(all.error()));
    at = all->front();
  }
  if (what->how.epmd == epmd_use::none) co_return *at;
  std::string name(short_name_of(node));
  auto entry = co_await epmd_lookup(*at, std::move(name), until - now());
  if (!entry) co_return std::unexpected(std::move(entry.error().message));
  if (!*entry) co_return std::unexpected("there is no node of that name");
  co_return at->with_port((*entry)->port);
}

using opened = std::expected<net::stream, std::string>;

task<opened> open_stream(shared_setting what, std::string node, time_point until) {
  auto where = co_await find_node(what, node, until);
  if (!where) co_return std::unexpected(std::move(where.error()));
  auto socket = co_await net::connect(*where, until - now());
  if (!socket) co_return std::unexpected(where->to_string() + ": " + socket.error().message());
  if (!what->how.tls) co_return net::stream(std::move(*socket));
  const std::string host(host_of(node));
  auto secure = co_await net::tls_connect(std::move(*socket), what->how.tls->client, host, until - now());
  if (!secure) co_return std::unexpected(std::move(secure.error().text));
  co_return std::move(*secure);
}

/// Its own attempt to reach us goes on in place of ours.
task<> wait_for_theirs(const peer* with, time_point until) {
  constexpr duration look = std::chrono::milliseconds(20);
  while (!with->is_up() && now() < until) co_await idle_for(look);
}

} // namespace

namespace {

/// Begins unless the other is on its way to us already; then it is given some time, but not all: whoever
/// comes has yet to prove the cookie. False if there is no need to dial any more.
task<bool> begin_dialling(shared_setting what, peer* with, pid me) {
  constexpr duration patience = std::chrono::seconds(1);
  constexpr duration look = std::chrono::milliseconds(2);
  const std::string node(with->name().name());
  const time_point enough = now() + patience;
  bool begun = false;
  const std::function<void()> begin = [&] { begun = with->begin_attempt(me); };
  while (!what->met.begin_unless_coming(node, begin)) {
    if (with->is_up()) co_return false;
    if (now() >= enough) co_return with->begin_attempt(me);
    co_await idle_for(look);
  }
  co_return begun;
}

} // namespace

process connect_to_peer(self me, shared_setting what, std::uint32_t number) {
  peer* with = what->net.find(number);
  if (with == nullptr) co_return;
  const bool begun = co_await begin_dialling(what, with, me.id());
  if (!begun) co_return;
  attempt_guard attempt(*with, me.id());
  const time_point until = now() + what->how.setup_time;
  const std::string node(with->name().name());
  auto connection = co_await open_stream(what, node, until);
  if (!connection) {
    report_refused(what->net, node, {reason::protocol, connection.error()});
    co_return;
  }
  if (!with->attempts(me.id())) co_return; // theirs was quicker
  handshake_side mine = what->side();
  std::function<bool()> connected = [with] { return with->is_up(); };
  auto done = co_await greet(&*connection, std::move(mine), node, std::move(connected), until);
  if (!done && (done.error().why == reason::yielded || done.error().why == reason::duplicate)) {
    connection->close();
    co_await wait_for_theirs(with, until);
    co_return;
  }
  if (!done) {
    report_refused(what->net, node, done.error());
    co_return;
  }
  co_await carry(&what->net, with, &*connection, std::move(*done), what->how.frames);
}

} // namespace coppice::dist::detail
