// What may be sent, and the messages that the runtime itself sends.
#pragma once

#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/describe.hpp"

#include <initializer_list>
#include <optional>
#include <string_view>

namespace coppice {

/// What a monitor's owner receives when the monitored process has ended (Erlang:
/// `{'DOWN', Ref, process, Object, Reason}`).
struct down {
  reference ref;      ///< what `monitor` returned
  pid process;        ///< who has ended; none if nobody had the name
  atom name;          ///< the name that was monitored, or '' if it was a pid
  exit_reason reason; ///< why, or `noproc` if there was no such process
  atom node = {};     ///< with a name: the node where it was meant; '' for this one
};

/// What a process that traps exits receives when a linked process ends or somebody calls `exit(Pid, Reason)`
/// (Erlang: `{'EXIT', Pid, Reason}`).
struct exit_signal {
  pid from;           ///< who has ended, or who called `exit`; none if that was no process
  exit_reason reason; ///< why; of a link to nobody `noproc`
};

/// What `start_timer` sends (Erlang: `{timeout, TimerRef, Msg}`).
struct timeout_message {
  reference timer; ///< what `start_timer` returned
  term message;    ///< what it was given
};

template <>
struct describe<exit_reason> {
  static term to(const exit_reason& r) { return r.value(); }
  static std::expected<exit_reason, decode_error> from(const term& t) { return exit_reason(t); }
};
template <>
struct describe<down> {
  static term to(const down& d);
  static std::expected<down, decode_error> from(const term& t);
};
template <>
struct describe<exit_signal> {
  static term to(const exit_signal& e);
  static std::expected<exit_signal, decode_error> from(const term& t);
};
template <>
struct describe<timeout_message> {
  static term to(const timeout_message& e);
  static std::expected<timeout_message, decode_error> from(const term& t);
};

namespace detail {

constexpr std::uint64_t combine_hashes(std::initializer_list<std::uint64_t> hashes) noexcept {
  std::uint64_t all = 0x9e3779b97f4a7c15ULL;
  for (std::uint64_t h : hashes) all = mix(all ^ h) + h;
  return all | 1; // 0 means "no set"
}

/// The message as Erlang would see it.
term message_as_term(const envelope& e);

/// A message from afar as a struct, or nothing if it is another one.
template <class T>
std::optional<T> decode([[maybe_unused]] const term& message) {
  if constexpr (has_term_form<T> && (described<T> || std::is_default_constructible_v<T>)) {
    auto value = from_term<T>(message);
    if (value) return std::move(*value);
  }
  return std::nullopt;
}

} // namespace detail

} // namespace coppice
