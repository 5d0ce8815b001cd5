#include "coppice/dist/detail/carrier.hpp"

#include "coppice/net/listener.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/runtime/detail/inspect.hpp"

#include <span>
#include <utility>
#include <variant>

namespace coppice::dist::detail {

using namespace literals;

namespace {

/// However the process ends, everybody who is tied to the peer is told, and then whoever watches nodes.
class up_guard {
public:
  up_guard(network& all, peer& with, const connected_node& node)
      : all_(all), with_(with), number_(with.established(node)),
        hidden_(!node.common.has(capability::published)) {}
  ~up_guard() {
    if (!number_) return;
    with_.lost(*number_);
    if (with_.isolate()) return;
    cast_any(all_.speaker(), node_is_down{with_.name(), hidden_, *number_, reason});
  }
  up_guard(const up_guard&) = delete;
  up_guard& operator=(const up_guard&) = delete;

  [[nodiscard]] bool hidden() const noexcept { return hidden_; }
  /// Of the connection; none if another has been made meanwhile, which stays.
  [[nodiscard]] std::optional<std::uint64_t> number() const noexcept { return number_; }

  atom reason = "connection_closed"_atom;

private:
  network& all_;
  peer& with_;
  std::optional<std::uint64_t> number_;
  bool hidden_;
};

/// The two directions of one connection.
class traffic {
public:
  traffic(peer& with, std::uint64_t number, net::stream& connection, capabilities common, frame_limits limits)
      : with_(with), number_(number), connection_(connection), reader_(common, with.names(), limits),
        hidden_(!common.has(capability::published)) {}

  /// Reads what is there, but not for too long, and lets it take effect. False: the connection is over.
  bool read();
  /// Writes what the system takes. False: the connection is over.
  bool write();
  /// False: nothing has been heard for too long.
  bool tick();
  /// Whether receivers have so much to do that nothing is read for a while.
  [[nodiscard]] bool pushed_back();

  atom reason = "connection_closed"_atom;
  std::string what;

private:
  bool take_signals();
  void answer_tick();
  void say_tick();

  static constexpr std::size_t least_read = 64 << 10;
  static constexpr int reads_in_a_turn = 8;
  static constexpr std::size_t written_at_once = 256 << 10;
  static constexpr int silent_ticks = 5;

  peer& with_;
  std::uint64_t number_;
  net::stream& connection_;
  frame_reader reader_;
  bool hidden_;
  std::string out_;
  std::size_t out_at_ = 0; ///< what stands before it has been written
  bool waits_for_room_ = false;
  std::uint64_t heard_ = 0;
  std::uint64_t heard_at_tick_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t written_at_tick_ = 0;
  int silent_ = 0;
  std::uint64_t ticks_ = 0;
  time_point last_written_ = now();
  std::vector<std::uint64_t> full_; ///< the tags of receivers that push back

public:
  void room() noexcept { waits_for_room_ = false; }
};

bool traffic::read() {
  for (int i = 0; i < reads_in_a_turn; ++i) {
    const std::span<char> room = reader_.space(least_read);
    const net::io_result n = connection_.try_read(room);
    if (!n) {
      if (n.error() == std::errc::operation_would_block || n.error() == std::errc::interrupted) break;
      what = n.error().message();
      return false;
    }
    if (*n == 0) return false;
    heard_ += *n;
    reader_.filled(*n);
    if (!take_signals()) return false;
    answer_tick();
    if (pushed_back()) return true;
    if (*n < room.size()) break;
  }
  connection_.arm_readable();
  return true;
}

bool traffic::take_signals() {
  coppice::detail::process_block& me = coppice::detail::running_process();
  for (;;) {
    std::expected<std::optional<signal>, std::string> next = reader_.next();
    if (!next) {
      reason = "invalid_message"_atom;
      what = std::move(next.error());
      return false;
    }
    if (!*next) return true;
    with_.receive(std::move(**next));
    // A full mailbox stops whoever sends to it. This process has ticks to send: it only stops reading.
    if (me.blocked_tag != 0) {
      full_.push_back(me.blocked_tag);
      coppice::detail::open_request(me, pid(), std::exchange(me.blocked_tag, 0));
    }
  }
}

/// A peer whose `net_ticktime` is shorter than ours hears from us as often as it ticks; two that answer each
/// other's answers stop at two a second.
void traffic::answer_tick() {
  constexpr duration pause = std::chrono::milliseconds(500);
  if (reader_.ticks() == std::exchange(ticks_, reader_.ticks())) return;
  if (now() - last_written_ >= pause) say_tick();
}

void traffic::say_tick() {
  if (out_at_ != out_.size()) return; // there is something else to hear
  out_.assign(4, '\0');
  out_at_ = 0;
}

bool traffic::pushed_back() {
  coppice::detail::process_block& me = coppice::detail::running_process();
  std::erase_if(full_,
                [&me](std::uint64_t tag) { return coppice::detail::take_response(me, tag) != nullptr; });
  return !full_.empty();
}

bool traffic::write() {
  while (!waits_for_room_) {
    if (out_at_ == out_.size()) {
      out_.clear();
      out_at_ = 0;
      with_.take(number_, out_, written_at_once);
      if (out_.empty()) return true;
    }
    const net::io_result n = connection_.try_write(std::string_view(out_).substr(out_at_));
    if (n) {
      out_at_ += *n;
      written_ += *n;
      last_written_ = now();
    } else if (n.error() == std::errc::operation_would_block) {
      waits_for_room_ = true;
      connection_.arm_writable();
    } else if (n.error() != std::errc::interrupted) {
      what = n.error().message();
      return false;
    }
  }
  return true;
}

bool traffic::tick() {
  silent_ = heard_ == heard_at_tick_ ? silent_ + 1 : 0;
  // A hidden node ticks also where it has only been silent itself: then both sides notice a dead connection.
  const bool quiet = written_ == written_at_tick_ || (hidden_ && silent_ > 0);
  if (quiet) say_tick();
  heard_at_tick_ = heard_;
  written_at_tick_ = written_;
  if (silent_ < silent_ticks) return true;
  reason = "net_tick_timeout"_atom;
  return false;
}

using event = std::variant<net::readable, net::writable, poke, tick_due, close_connection, net::drain>;

/// Lets what has happened take effect; false at the end.
bool go_on(traffic& both, const event& happened) {
  if (const auto* close = std::get_if<close_connection>(&happened)) {
    both.reason = close->reason;
    return false;
  }
  if (std::holds_alternative<net::drain>(happened)) {
    both.reason = "net_kernel_terminated"_atom;
    return false;
  }
  if (std::holds_alternative<net::readable>(happened) && !both.pushed_back() && !both.read()) return false;
  if (std::holds_alternative<net::writable>(happened)) both.room();
  if (std::holds_alternative<tick_due>(happened) && !both.tick()) return false;
  return both.write();
}

void report_end(const network& all, const peer& with, const traffic& both) {
  if (both.what.empty()) return;
  all.home.report(report{severity::warning,
                         "connection_ended",
                         self_pid(),
                         {{"node", with.name()}, {"reason", both.reason}, {"what", both.what}},
                         exit_reason()});
}

} // namespace

task<> carry(network* all, peer* with, net::stream* connection, agreed what, frame_limits limits,
             std::function<void()> when_up) {
  self me(coppice::detail::running_process());
  set_label("connection with " + std::string(with->name().name()));
  connection->no_delay(true);
  up_guard guard(*all, *with,
                 connected_node{what.common, what.peer.creation, me.id(), what.dialled, what.replaces});
  if (when_up) when_up();
  if (!guard.number()) co_return;
  auto both = std::make_unique<traffic>(*with, *guard.number(), *connection, what.common, limits);
  bool goes_on = true;
  if (!with->isolate()) {
    node_is_up news{with->name(), guard.hidden(), *guard.number()};
    server_name kernel(all->speaker());
    std::expected<bool, exit_reason> known =
        co_await try_call_any<bool>(std::move(kernel), std::move(news), infinity);
    goes_on = known.has_value();
  }
  goes_on = goes_on && both->read() && both->write();
  while (goes_on) {
    constexpr duration look_again = std::chrono::milliseconds(20);
    const duration at_most = both->pushed_back() ? look_again : infinity;
    std::optional<event> happened =
        co_await me.receive<net::readable, net::writable, poke, tick_due, close_connection, net::drain>(
            at_most);
    if (happened) {
      goes_on = go_on(*both, *happened);
    } else if (!both->pushed_back()) {
      goes_on = both->read() && both->write();
    }
  }
  guard.reason = both->reason;
  report_end(*all, *with, *both);
}

} // namespace coppice::dist::detail
