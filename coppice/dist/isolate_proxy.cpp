#include "coppice/dist/isolate_proxy.hpp"

#include "coppice/dist/detail/carrier.hpp"
#include "coppice/dist/detail/wire.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/term/external.hpp"

#include <mutex>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::dist::detail {

using namespace literals;

namespace {

/// The names of isolates are used again, for a name that has been one of a node is never forgotten.
struct isolate_names {
  std::mutex lock;
  std::vector<std::uint32_t> free;
  std::uint32_t made = 0;
  std::uint32_t creation = 3;
};

/// A name for one life of an isolate.
class isolate_name {
public:
  explicit isolate_name(coppice::node& home) : all_(home.part<isolate_names>()) {
    std::lock_guard guard(all_->lock);
    creation_ = ++all_->creation;
    if (all_->free.empty()) {
      number_ = ++all_->made;
    } else {
      number_ = all_->free.back();
      all_->free.pop_back();
    }
  }
  isolate_name(isolate_name&&) noexcept = default;
  isolate_name& operator=(isolate_name&&) = delete;
  ~isolate_name() {
    if (all_ == nullptr) return;
    std::lock_guard guard(all_->lock);
    all_->free.push_back(number_);
  }
  /// Unique on the machine: isolates of isolates reach none of the same name.
  [[nodiscard]] atom name() const {
    return atom("isolate-" + std::to_string(number_) + "-of-" + std::to_string(::getpid()) + "@isolate");
  }
  [[nodiscard]] std::uint32_t creation() const noexcept { return creation_; }

private:
  std::shared_ptr<isolate_names> all_;
  std::uint32_t number_ = 0;
  std::uint32_t creation_ = 0;
};

} // namespace
} // namespace coppice::dist::detail

namespace coppice {
/// What it shares has a lock.
template <>
struct enable_sendable<dist::detail::isolate_name> {
  static constexpr bool value = true;
};
} // namespace coppice

namespace coppice::dist::detail {
namespace {

/// Carries signals to the isolate and from it. There is no handshake: both ends are one program, and nobody
/// else has the socket.
process carry_isolate(self, net::stream connection, isolate_name who) {
  network& all = network_for(this_node(), "nonode@nohost"_atom, 0);
  peer* with = all.find(who.name());
  const agreed what{{std::string(who.name().name()), who.creation(), offered},
                    expanded(offered).common(offered)};
  co_await carry(&all, with, &connection, what, frame_limits());
}

/// Waits for the end of the OS process, and sees to it once the connection is lost.
process reap_isolate(self me, isolate_process os, pid carrier, pid proxy) {
  constexpr duration grace = std::chrono::seconds(2);
  set_label("isolate's reaper");
  net::tcp_socket watch(os.take_watch().release());
  monitor(carrier);
  std::optional<term> how = os.ended();
  duration at_most = infinity;
  while (!how) {
    watch.arm_readable();
    std::optional<std::variant<net::readable, down>> news = co_await me.receive<net::readable, down>(at_most);
    how = os.ended();
    if (!news && !how) os.kill();
    at_most = infinity;
    if (news && std::holds_alternative<down>(*news)) at_most = grace;
  }
  send(proxy, isolate_over{std::move(*how)});
}

exit_reason cannot_start(const std::string& what, const std::error_code& why) {
  return exit_reason(term::tuple("isolate"_atom, term(what + ": " + why.message())));
}

} // namespace

// --- the start ---

void isolate_proxy::on_init() {
  trap_exit(true);
  call_back([this] { return start_up(); }, [this] { started_up(); });
}

isolate_order isolate_proxy::order(network& all, const atom& name, std::uint32_t creation) const {
  const node_names& names = all.names_for_isolates;
  const isolate_job job{plan_.class_name, plan_.arguments, self_pid()};
  isolate_order made;
  made.name = name.name();
  made.creation = creation;
  made.host = names.own().name();
  made.host_creation = names.creation();
  made.memory = plan_.limits.memory;
  made.cpu_seconds = static_cast<std::uint64_t>(plan_.limits.cpu.count());
  made.cores = plan_.limits.cores;
  made.job = term_to_binary(to_term(job), names);
  return made;
}

task<> isolate_proxy::start_up() {
  self me(coppice::detail::running_process());
  const time_point until = now() + plan_.limits.start_time;
  network& all = network_for(this_node(), "nonode@nohost"_atom, 0);
  isolate_name who(this_node());
  peer* with = all.find(who.name());
  if (with == nullptr) coppice::exit(exit_reason("system_limit"_atom));
  with->become_isolate(all.names_for_isolates);

  auto ends = make_socket_pair();
  if (!ends) coppice::exit(cannot_start("no socket for an isolate", ends.error()));
  auto os = isolate_process::start(ends->second);
  if (!os) coppice::exit(cannot_start("no OS process for an isolate", os.error()));
  os_process_ = os->id();
  set_blocking(ends->first.get(), false);
  ends->second = owned_descriptor();
  const std::string told =
      term_to_binary(to_term(order(all, who.name(), who.creation())), all.names_for_isolates);
  std::string bytes;
  put(bytes, static_cast<std::uint32_t>(told.size()));
  bytes += told;
  net::stream connection(net::tcp_socket(ends->first.release()));
  // If it has ended already, its reaper is going to tell how.
  co_await connection.write_all(bytes, until - now());

  carrier_ = spawn_link(&carry_isolate, std::move(connection), std::move(who));
  connected_ = true;
  spawn(&reap_isolate, std::move(*os), carrier_, me.id());
  while (!child_ && !over_) {
    const duration left = why_ || !connected_ ? infinity : until - now();
    auto news = co_await me.receive<isolate_up, isolate_failed, isolate_over, coppice::exit_signal>(left);
    if (news) {
      std::visit([this](auto& each) { this->take(each); }, *news);
    } else {
      why_ = exit_reason::timeout();
      disconnect();
    }
  }
}

void isolate_proxy::started_up() {
  if (over_) refuse(why_.value_or(exit_reason("isolate"_atom)));
  started();
}

// --- what it is told ---

void isolate_proxy::take(const isolate_up& news) {
  keeper_ = news.keeper;
  child_ = news.child;
}

void isolate_proxy::take(isolate_failed& news) {
  why_ = exit_reason(std::move(news.reason));
  disconnect();
}

void isolate_proxy::take(isolate_over& news) {
  over_ = true;
  const bool told = why_.has_value();
  if (!told) why_ = exit_reason(term::tuple("isolate"_atom, std::move(news.how)));
  if (!child_) return;
  if (told) leave(*why_); // where the child was, its end has been reported
  stop(*why_);
}

void isolate_proxy::take(coppice::exit_signal& news) {
  if (news.from == carrier_) {
    connected_ = false;
  } else if (news.from == keeper_) {
    // The loss of the connection is no reason: the end of the OS process is, which is known soon.
    if (!why_ && news.reason != exit_reason::noconnection()) why_ = std::move(news.reason);
    disconnect();
  } else if (!child_) {
    if (news.from != parent()) return;
    why_ = std::move(news.reason);
    disconnect();
  } else if (!news.reason.is_normal()) {
    coppice::exit(child_, std::move(news.reason));
  }
}

/// The isolate ends when it sees that.
void isolate_proxy::disconnect() {
  if (connected_) coppice::exit(carrier_, exit_reason::shutdown());
}

void isolate_proxy::on_end(exit_reason reason) { coppice::exit(keeper_, std::move(reason)); }

void isolate_proxy::on_message(message_ptr message) {
  using coppice::detail::envelope_kind;
  if (message->kind == envelope_kind::message) {
    const std::uint64_t type = message->ops->type->hash;
    if (type == type_hash<isolate_over>()) return take(message->as<isolate_over>());
    if (type == type_hash<coppice::exit_signal>()) return take(message->as<coppice::exit_signal>());
  }
  if (why_ || !connected_) {
    coppice::detail::envelope* stray = message.release();
    stray->ops->reject(stray, why_.value_or(exit_reason::noproc()));
    return;
  }
  coppice::detail::deliver(this_node(), child_, std::move(message));
}

term isolate_proxy::state_as_term() const {
  return term::tuple("isolate"_atom, std::int64_t{os_process_}, child_);
}

atom isolate_proxy::module() const { return "isolate"_atom; }

coppice::detail::start_begun isolate_starter::begin(const child_args& extra) const {
  (void)coppice::detail::arguments_as<>(extra);
  return coppice::detail::begin_start(std::make_unique<isolate_proxy>(plan_), options_);
}

} // namespace coppice::dist::detail
