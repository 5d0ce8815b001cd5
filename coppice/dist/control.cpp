#include "coppice/dist/control.hpp"

#include <fmt/core.h>
#include <span>
#include <utility>

namespace coppice::dist {
namespace {

/// What the first element of the tuple says.
enum class op : std::uint8_t {
  link = 1,
  send = 2,
  exit = 3,
  reg_send = 6,
  group_leader = 7,
  exit2 = 8,
  send_tt = 12,
  exit_tt = 13,
  reg_send_tt = 16,
  exit2_tt = 18,
  monitor_p = 19,
  demonitor_p = 20,
  monitor_p_exit = 21,
  send_sender = 22,
  send_sender_tt = 23,
  payload_exit = 24,
  payload_exit_tt = 25,
  payload_exit2 = 26,
  payload_exit2_tt = 27,
  payload_monitor_p_exit = 28,
  spawn_request = 29,
  spawn_request_tt = 30,
  spawn_reply = 31,
  spawn_reply_tt = 32,
  alias_send = 33,
  alias_send_tt = 34,
  unlink_id = 35,
  unlink_id_ack = 36,
  altact_sig_send = 37,
};

namespace altact {
constexpr std::int64_t token = 2;
constexpr std::int64_t alias = 4;
constexpr std::int64_t name = 8;
constexpr std::int64_t exit = 16;
} // namespace altact

using result = std::expected<control_head, std::string>;

/// The elements of a control tuple, each of the type that it must have.
class reader {
public:
  explicit reader(std::span<const term> all) : all_(all) {}

  /// Whether there are that many elements, the number of the operation being the first; later versions may
  /// append some.
  bool has(std::size_t n) {
    if (all_.size() < n) wrong_ = fmt::format("{} elements are expected", n);
    return wrong_.empty();
  }
  const term& any(std::size_t i) { return all_[i]; }
  pid process(std::size_t i) { return take(i, all_[i].as_pid(), "a pid"); }
  reference ref(std::size_t i) { return take(i, all_[i].as_reference(), "a reference"); }
  atom name(std::size_t i) { return take(i, all_[i].as_atom(), "an atom"); }
  std::uint64_t positive(std::size_t i) {
    std::uint64_t room = 0;
    const auto parts = all_[i].as_integer(room);
    const bool right = parts && !parts->negative && parts->limbs.size() == 1 && parts->limbs[0] != 0;
    return take(i, right ? std::optional(parts->limbs[0]) : std::nullopt, "a number from 1 to 2^64-1");
  }
  std::int64_t small(std::size_t i) {
    std::optional<std::int64_t> value = all_[i].as_int64();
    if (value && (*value < 0 || *value > UINT32_MAX)) value.reset();
    return take(i, value, "a number");
  }
  pid_or_name target(std::size_t i) {
    if (all_[i].is_atom()) return name(i);
    return process(i);
  }
  mfa function(std::size_t i) {
    const std::span<const term> parts = all_[i].elements();
    std::optional<mfa> read;
    if (parts.size() == 3 && parts[0].is_atom() && parts[1].is_atom()) {
      const auto arity = parts[2].as_int64();
      if (arity && *arity >= 0 && *arity <= UINT8_MAX) {
        read = mfa{*parts[0].as_atom(), *parts[1].as_atom(), static_cast<std::uint32_t>(*arity)};
      }
    }
    return take(i, std::move(read), "{Module, Function, Arity}");
  }

  result done(control what, bool has_payload) {
    if (!wrong_.empty()) return std::unexpected(std::move(wrong_));
    return control_head{std::move(what), has_payload};
  }
  result failed() { return std::unexpected(std::move(wrong_)); }

private:
  template <class T>
  T take(std::size_t i, std::optional<T> value, const char* expected) {
    if (value) return std::move(*value);
    if (wrong_.empty()) wrong_ = fmt::format("element {} is to be {}", i + 1, expected);
    return T{};
  }

  std::span<const term> all_;
  std::string wrong_;
};

result parse_altact(reader& r) {
  if (!r.has(4)) return r.failed();
  const std::int64_t flags = r.small(1);
  if ((flags & altact::token) != 0 && !r.has(5)) return r.failed();
  const pid from = r.process(2);
  if ((flags & altact::exit) != 0) return r.done(exit2_signal{from, r.process(3), {}}, true);
  if ((flags & altact::alias) != 0) return r.done(alias_signal{from, r.ref(3)}, true);
  if ((flags & altact::name) != 0) return r.done(send_signal{from, r.name(3)}, true);
  return r.done(send_signal{from, r.process(3)}, true);
}

result parse_message(op what, reader& r) {
  switch (what) {
  case op::send:
  case op::send_tt:
    if (!r.has(what == op::send ? 3 : 4)) return r.failed();
    return r.done(send_signal{r.any(1).as_pid().value_or(pid{}), r.process(2)}, true);
  case op::send_sender:
  case op::send_sender_tt:
    if (!r.has(what == op::send_sender ? 3 : 4)) return r.failed();
    return r.done(send_signal{r.process(1), r.process(2)}, true);
  case op::reg_send:
  case op::reg_send_tt:
    if (!r.has(what == op::reg_send ? 4 : 5)) return r.failed();
    return r.done(send_signal{r.process(1), r.name(3)}, true);
  default:
    if (!r.has(what == op::alias_send ? 3 : 4)) return r.failed();
    return r.done(alias_signal{r.process(1), r.ref(2)}, true);
  }
}

result parse_exit(op what, reader& r) {
  switch (what) {
  case op::exit:
    if (!r.has(4)) return r.failed();
    return r.done(exit_signal{r.process(1), r.process(2), r.any(3)}, false);
  case op::exit_tt: // the token stands before the reason
    if (!r.has(5)) return r.failed();
    return r.done(exit_signal{r.process(1), r.process(2), r.any(4)}, false);
  case op::exit2:
    if (!r.has(4)) return r.failed();
    return r.done(exit2_signal{r.process(1), r.process(2), r.any(3)}, false);
  case op::exit2_tt:
    if (!r.has(5)) return r.failed();
    return r.done(exit2_signal{r.process(1), r.process(2), r.any(4)}, false);
  case op::payload_exit:
  case op::payload_exit_tt:
    if (!r.has(what == op::payload_exit ? 3 : 4)) return r.failed();
    return r.done(exit_signal{r.process(1), r.process(2), {}}, true);
  default:
    if (!r.has(what == op::payload_exit2 ? 3 : 4)) return r.failed();
    return r.done(exit2_signal{r.process(1), r.process(2), {}}, true);
  }
}

result parse_relation(op what, reader& r) {
  switch (what) {
  case op::link:
    if (!r.has(3)) return r.failed();
    return r.done(link_signal{r.process(1), r.process(2)}, false);
  case op::unlink_id:
    if (!r.has(4)) return r.failed();
    return r.done(unlink_signal{r.positive(1), r.process(2), r.process(3)}, false);
  case op::unlink_id_ack:
    if (!r.has(4)) return r.failed();
    return r.done(unlink_ack_signal{r.positive(1), r.process(2), r.process(3)}, false);
  case op::group_leader:
    if (!r.has(3)) return r.failed();
    return r.done(group_leader_signal{r.process(1), r.process(2)}, false);
  case op::monitor_p:
    if (!r.has(4)) return r.failed();
    return r.done(monitor_signal{r.process(1), r.target(2), r.ref(3)}, false);
  case op::demonitor_p:
    if (!r.has(4)) return r.failed();
    return r.done(demonitor_signal{r.process(1), r.target(2), r.ref(3)}, false);
  case op::monitor_p_exit:
    if (!r.has(5)) return r.failed();
    return r.done(down_signal{r.target(1), r.process(2), r.ref(3), r.any(4)}, false);
  default:
    if (!r.has(4)) return r.failed();
    return r.done(down_signal{r.target(1), r.process(2), r.ref(3), {}}, true);
  }
}

result parse_spawn(op what, reader& r) {
  if (what == op::spawn_request || what == op::spawn_request_tt) {
    if (!r.has(what == op::spawn_request ? 6 : 7)) return r.failed();
    return r.done(spawn_request_signal{r.ref(1), r.process(2), r.process(3), r.function(4), r.any(5), {}},
                  true);
  }
  if (!r.has(what == op::spawn_reply ? 5 : 6)) return r.failed();
  return r.done(
      spawn_reply_signal{r.ref(1), r.process(2), static_cast<std::uint32_t>(r.small(3)), r.target(4)}, false);
}

constexpr std::int64_t code(op what) noexcept { return static_cast<std::int64_t>(what); }

term to_term(const pid_or_name& p) {
  return std::visit([](const auto& value) { return term(value); }, p);
}

struct parts_of {
  bool with_altact;

  control_parts operator()(const link_signal& s) const {
    return {term::tuple(code(op::link), s.from, s.to), {}};
  }
  control_parts operator()(const send_signal& s) const {
    if (const auto* name = std::get_if<atom>(&s.to)) {
      return {term::tuple(code(op::reg_send), s.from, atom(), *name), {}};
    }
    return {term::tuple(code(op::send_sender), s.from, std::get<pid>(s.to)), {}};
  }
  control_parts operator()(const alias_signal& s) const {
    if (with_altact) return {term::tuple(code(op::altact_sig_send), altact::alias, s.from, s.alias), {}};
    return {term::tuple(code(op::alias_send), s.from, s.alias), {}};
  }
  control_parts operator()(const exit_signal& s) const {
    return {term::tuple(code(op::payload_exit), s.from, s.to), s.reason};
  }
  control_parts operator()(const exit2_signal& s) const {
    return {term::tuple(code(op::payload_exit2), s.from, s.to), s.reason};
  }
  control_parts operator()(const unlink_signal& s) const {
    return {term::tuple(code(op::unlink_id), s.id, s.from, s.to), {}};
  }
  control_parts operator()(const unlink_ack_signal& s) const {
    return {term::tuple(code(op::unlink_id_ack), s.id, s.from, s.to), {}};
  }
  control_parts operator()(const group_leader_signal& s) const {
    return {term::tuple(code(op::group_leader), s.from, s.to), {}};
  }
  control_parts operator()(const monitor_signal& s) const {
    return {term::tuple(code(op::monitor_p), s.from, to_term(s.to), s.ref), {}};
  }
  control_parts operator()(const demonitor_signal& s) const {
    return {term::tuple(code(op::demonitor_p), s.from, to_term(s.to), s.ref), {}};
  }
  control_parts operator()(const down_signal& s) const {
    return {term::tuple(code(op::payload_monitor_p_exit), to_term(s.from), s.to, s.ref), s.reason};
  }
  control_parts operator()(const spawn_request_signal& s) const {
    const mfa& f = s.function;
    return {term::tuple(code(op::spawn_request), s.id, s.from, s.group_leader,
                        term::tuple(f.module, f.function, f.arity), s.options),
            s.arguments};
  }
  control_parts operator()(const spawn_reply_signal& s) const {
    return {term::tuple(code(op::spawn_reply), s.id, s.to, s.flags, to_term(s.result)), {}};
  }
};

} // namespace

std::expected<control_head, std::string> parse_control(const term& tuple) {
  const std::span<const term> all = tuple.elements();
  if (all.empty()) return std::unexpected("a control message is a tuple");
  const auto number = all[0].as_int64();
  if (!number || *number < 0 || *number > UINT8_MAX) {
    return std::unexpected("a control message begins with the number of its operation");
  }
  reader r(all);
  switch (const op what = static_cast<op>(*number); what) {
  case op::send:
  case op::send_tt:
  case op::send_sender:
  case op::send_sender_tt:
  case op::reg_send:
  case op::reg_send_tt:
  case op::alias_send:
  case op::alias_send_tt: return parse_message(what, r);
  case op::exit:
  case op::exit_tt:
  case op::exit2:
  case op::exit2_tt:
  case op::payload_exit:
  case op::payload_exit_tt:
  case op::payload_exit2:
  case op::payload_exit2_tt: return parse_exit(what, r);
  case op::link:
  case op::unlink_id:
  case op::unlink_id_ack:
  case op::group_leader:
  case op::monitor_p:
  case op::demonitor_p:
  case op::monitor_p_exit:
  case op::payload_monitor_p_exit: return parse_relation(what, r);
  case op::spawn_request:
  case op::spawn_request_tt:
  case op::spawn_reply:
  case op::spawn_reply_tt: return parse_spawn(what, r);
  case op::altact_sig_send: return parse_altact(r);
  }
  return std::unexpected(fmt::format("the operation {} is not known", *number));
}

bool complete(control& what, const term& payload) {
  if (auto* exit = std::get_if<exit_signal>(&what)) exit->reason = payload;
  if (auto* exit2 = std::get_if<exit2_signal>(&what)) exit2->reason = payload;
  if (auto* down = std::get_if<down_signal>(&what)) down->reason = payload;
  if (auto* spawn = std::get_if<spawn_request_signal>(&what)) {
    spawn->arguments = payload;
    return payload.length() == spawn->function.arity;
  }
  return true;
}

control_parts to_parts(const control& what, bool with_altact) {
  return std::visit(parts_of{with_altact}, what);
}

} // namespace coppice::dist
