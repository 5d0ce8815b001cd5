#include "coppice/net/listener.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace coppice::net {
namespace detail {

struct listener_pool {
  listener_pool(listener_options o, connection_handler h) : options(std::move(o)), handler(std::move(h)) {}

  const listener_options options;
  const connection_handler handler;
  const std::shared_ptr<listener_counters> counters = std::make_shared<listener_counters>();
  std::atomic<unsigned> next_core{0};
};

} // namespace detail

namespace {

using namespace std::chrono_literals;
using namespace literals;

constexpr duration shortest_pause = 10ms;
constexpr duration longest_pause = 1s;
constexpr unsigned accepts_at_once = 32;
constexpr std::size_t crashes_allowed = 10;
constexpr duration crash_period = 10s;
constexpr duration kill_timeout = 5s;

/// The pool as an argument of processes: shared, its mutable parts are atomic.
class pool_ref {
public:
  explicit pool_ref(std::shared_ptr<detail::listener_pool> pool) noexcept : pool_(std::move(pool)) {}
  detail::listener_pool* operator->() const noexcept { return pool_.get(); }

private:
  std::shared_ptr<detail::listener_pool> pool_;
};

/// Room for one of the connections that are allowed: taken before it is accepted, then its own while it
/// lives.
class place {
public:
  place(place&& other) noexcept : counters_(std::move(other.counters_)), occupied_(other.occupied_) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (counters_ == nullptr) return;
    if (occupied_) counters_->connections.fetch_sub(1, std::memory_order_relaxed);
    counters_->places.fetch_sub(1, std::memory_order_seq_cst);
  }
  static std::optional<place> take(const pool_ref& pool) {
    if (pool->counters->places.fetch_add(1, std::memory_order_seq_cst) < pool->options.max_connections) {
      return place(pool->counters);
    }
    pool->counters->places.fetch_sub(1, std::memory_order_seq_cst);
    return std::nullopt;
  }
  void occupy() noexcept {
    counters_->connections.fetch_add(1, std::memory_order_relaxed);
    occupied_ = true;
  }

private:
  explicit place(std::shared_ptr<detail::listener_counters> counters) noexcept
      : counters_(std::move(counters)) {}
  std::shared_ptr<detail::listener_counters> counters_;
  bool occupied_ = false;
};

// --- between the processes of a listener ---

struct connection_started {
  pid connection;
};
struct acceptor_paused {
  pid acceptor;
};
struct go_on {};

task<> serve_secured(self me, pool_ref pool, tcp_socket socket) {
  std::expected<stream, tls_error> secured = co_await tls_accept(std::move(socket), *pool->options.tls);
  if (!secured) {
    pool->counters->failed_handshakes.fetch_add(1, std::memory_order_relaxed);
    co_return;
  }
  task<> served = pool->handler(me, std::move(*secured));
  co_await served;
}

task<> served_by(self me, pool_ref pool, tcp_socket socket) {
  if (pool->options.tls) return serve_secured(me, std::move(pool), std::move(socket));
  return pool->handler(me, std::move(socket));
}

process connection(self me, pid parent, pool_ref pool, place, tcp_socket socket) {
  connection_started started{me.id()};
  send(parent, started);
  link(parent);
  task<> served = served_by(me, pool, std::move(socket));
  co_await served;
}

/// Starts the connection's process, on the cores in turn.
void start_connection(coppice::node& home, pid parent, const pool_ref& pool, place taken, tcp_socket socket) {
  coppice::detail::process_block& p =
      coppice::detail::prepare(home, &connection, parent, pool, std::move(taken), std::move(socket));
  unsigned core = pool->next_core.fetch_add(1, std::memory_order_relaxed);
  std::size_t cores = home.internals().cores.size();
  p.pinned.store(static_cast<std::int16_t>(core % cores), std::memory_order_relaxed);
  coppice::detail::launch(p, spawn_options{.label = pool->options.label});
}

// --- acceptors ---

enum class accepted_as : std::uint8_t { some, full, exhausted };

bool is_exhaustion(const std::error_code& e) {
  return e == std::errc::too_many_files_open || e == std::errc::too_many_files_open_in_system ||
         e == std::errc::no_buffer_space || e == std::errc::not_enough_memory;
}

/// Errors of one connection that was over before it was accepted (accept(2): treat them like EAGAIN).
bool is_of_the_peer(const std::error_code& e) {
  switch (e.value()) {
  case EAGAIN:
  case EINTR:
  case ECONNABORTED:
  case EPROTO:
  case EPERM:
  case ENETDOWN:
  case ENOPROTOOPT:
  case EHOSTDOWN:
  case ENONET:
  case EHOSTUNREACH:
  case EOPNOTSUPP:
  case ENETUNREACH:
  case ETIMEDOUT: return true;
  default: return false;
  }
}

/// Accepts what waits, up to a number; other errors end the acceptor.
accepted_as accept_some(pid parent, const pool_ref& pool, listen_socket& from) {
  for (unsigned i = 0; i < accepts_at_once; ++i) {
    std::optional<place> taken = place::take(pool);
    if (!taken) return accepted_as::full;
    std::expected<tcp_socket, std::error_code> socket = from.try_accept();
    if (!socket) {
      if (is_of_the_peer(socket.error())) return accepted_as::some;
      if (is_exhaustion(socket.error())) return accepted_as::exhausted;
      exit(exit_reason(term::tuple("accept_failed"_atom, term(socket.error().message()))));
    }
    pool->counters->accepted.fetch_add(1, std::memory_order_relaxed);
    taken->occupy();
    try {
      start_connection(this_node(), parent, pool, std::move(*taken), std::move(*socket));
    } catch (const std::length_error&) { // no room for another process: the connection is closed
      return accepted_as::exhausted;
    }
  }
  return accepted_as::some;
}

void report_exhaustion(self me, const pool_ref& pool, duration pause) {
  pool->counters->exhausted.fetch_add(1, std::memory_order_relaxed);
  if (pause != shortest_pause) return; // once for a run of failures
  report r;
  r.level = severity::warning;
  r.kind = "listener_exhausted";
  r.process = me.id();
  r.fields.emplace_back("reason", term("no descriptors, memory or processes left to accept connections with; "
                                       "raise the limit on open files, or lower max_connections"));
  this_node().report(r);
}

process acceptor(self me, pid parent, pool_ref pool, listen_socket from, unsigned number) {
  detail::pin_to_core(number % static_cast<unsigned>(this_node().internals().cores.size()));
  co_await yield();
  duration pause = shortest_pause;
  for (;;) {
    io_outcome ready = co_await from.wait_acceptable();
    if (!ready) exit(exit_reason(term::tuple("accept_failed"_atom, term(ready.error().message()))));
    accepted_as outcome = accept_some(parent, pool, from);
    if (outcome == accepted_as::full) {
      acceptor_paused paused{me.id()};
      send(parent, paused);
      co_await me.receive<go_on>(longest_pause); // or by itself: the place may have been given back at once
    } else if (outcome == accepted_as::exhausted) {
      report_exhaustion(me, pool, pause);
      co_await idle_for(pause);
      pause = std::min(pause * 2, longest_pause);
      continue;
    }
    pause = shortest_pause;
  }
}

// --- the listener ---

bool asks_to_stop(const exit_signal& s, pid parent) {
  return s.from == parent || (s.reason.is_clean() && !s.reason.is_normal());
}

/// What the listener knows of its acceptors and connections; runs in its process.
class overseer {
public:
  overseer(self me, pool_ref pool, listen_socket socket)
      : me_(me), pool_(std::move(pool)), socket_(std::move(socket)),
        parent_(pid{coppice::detail::running_process().parent_id.load(std::memory_order_relaxed)}) {}

  void start_acceptors(std::vector<listen_socket> sockets) {
    unsigned number = 0;
    for (listen_socket& own : sockets) start_acceptor(number++, std::move(own));
  }

  void take(const connection_started& m) {
    connections_.insert(m.connection);
    if (stopping_) send(m.connection, drain{});
  }
  void take(const acceptor_paused& m) {
    paused_.push_back(m.acceptor);
    wake_acceptors();
  }
  void take(const exit_signal& s) {
    if (connections_.erase(s.from) > 0) {
      wake_acceptors();
    } else if (auto found = acceptors_.find(s.from); found != acceptors_.end()) {
      acceptor_ended(found->second, s);
    } else if (!stopping_ && asks_to_stop(s, parent_)) {
      begin_to_stop(s.reason);
    }
  }

  [[nodiscard]] bool stopping() const noexcept { return stopping_; }
  [[nodiscard]] const exit_reason& reason() const noexcept { return reason_; }
  [[nodiscard]] duration drain_time() const noexcept { return pool_->options.drain_timeout; }
  /// Nobody is left; connections that have not said so yet count too.
  [[nodiscard]] bool drained() const noexcept {
    return acceptors_.empty() && connections_.empty() && pool_->counters->places == 0;
  }
  void kill_connections() {
    for (pid c : connections_) exit(c, exit_reason::kill());
  }

private:
  void start_acceptor(unsigned number, listen_socket own) {
    const spawn_options options{.link = true, .label = "acceptor"};
    pid started = spawn_opt(options, &acceptor, me_.id(), pool_, std::move(own), number).process;
    acceptors_.emplace(started, number);
  }

  void acceptor_ended(unsigned number, const exit_signal& s) {
    acceptors_.erase(s.from);
    std::erase(paused_, s.from);
    if (stopping_) return;
    crashes_.push_back(now());
    while (crashes_.front() + crash_period < crashes_.back()) crashes_.pop_front();
    if (crashes_.size() > crashes_allowed) exit(s.reason);
    std::expected<listen_socket, std::error_code> own = socket_.duplicate();
    if (!own) exit(exit_reason(term::tuple("listen_failed"_atom, term(own.error().message()))));
    start_acceptor(number, std::move(*own));
  }

  void wake_acceptors() {
    if (pool_->counters->places >= pool_->options.max_connections) return;
    for (pid a : paused_) send(a, go_on{});
    paused_.clear();
  }

  void begin_to_stop(const exit_reason& reason) {
    stopping_ = true;
    reason_ = reason;
    socket_.close(); // the port closes with the last acceptor's duplicate
    for (const auto& [a, number] : acceptors_) exit(a, exit_reason::shutdown());
    for (pid c : connections_) send(c, drain{});
  }

  self me_;
  pool_ref pool_;
  listen_socket socket_;
  pid parent_;
  std::unordered_map<pid, unsigned> acceptors_;
  std::unordered_set<pid> connections_;
  std::vector<pid> paused_;
  std::deque<time_point> crashes_;
  exit_reason reason_;
  bool stopping_ = false;
};

using news = std::variant<exit_signal, connection_started, acceptor_paused>;

/// Takes news until all is over, or the time is.
task<> await_drained(self me, overseer* all, duration time) {
  time_point end = now() + time;
  while (!all->drained()) {
    duration left = end - now();
    if (left <= duration::zero()) co_return;
    std::optional<news> m = co_await me.receive<exit_signal, connection_started, acceptor_paused>(left);
    if (m) std::visit([all](const auto& one) { all->take(one); }, *m);
  }
}

process run_listener(self me, pool_ref pool, listen_socket socket, std::vector<listen_socket> for_acceptors) {
  trap_exit(true);
  overseer all(me, pool, std::move(socket));
  all.start_acceptors(std::move(for_acceptors));
  while (!all.stopping()) {
    news m = co_await me.receive<exit_signal, connection_started, acceptor_paused>();
    std::visit([&all](const auto& one) { all.take(one); }, m);
  }
  co_await await_drained(me, &all, all.drain_time());
  all.kill_connections();
  co_await await_drained(me, &all, kill_timeout);
  exit(all.reason());
}

} // namespace

std::expected<listener, std::error_code> start_listener(listener_options options,
                                                        connection_handler handler) {
  std::expected<listen_socket, std::error_code> socket =
      listen_socket::open(options.endpoint, {.backlog = options.backlog, .reuse_port = options.reuse_port});
  if (!socket) return std::unexpected(socket.error());
  std::expected<endpoint, std::error_code> local = socket->local();
  if (!local) return std::unexpected(local.error());
  // Made here, so that a shortage of descriptors is the caller's to hear.
  std::vector<listen_socket> for_acceptors;
  for (unsigned i = 0; i < std::max(1U, options.acceptors); ++i) {
    std::expected<listen_socket, std::error_code> own = socket->duplicate();
    if (!own) return std::unexpected(own.error());
    for_acceptors.push_back(std::move(*own));
  }
  auto pool = std::make_shared<detail::listener_pool>(std::move(options), std::move(handler));
  std::shared_ptr<const detail::listener_counters> counters = pool->counters;
  const spawn_options labelled{.link = true, .label = "listener"};
  pid process = spawn_opt(labelled, &run_listener, pool_ref(std::move(pool)), std::move(*socket),
                          std::move(for_acceptors))
                    .process;
  return listener(process, *local, std::move(counters));
}

} // namespace coppice::net
