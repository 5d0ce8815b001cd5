// What a server understands, as types: so that a wrong request does not compile.
#pragma once

#include "coppice/runtime/call.hpp"

#include <cstddef>
#include <type_traits>

namespace coppice {

/// A message that is sent and not answered (OTP: `gen_server:cast/2`).
template <class Message>
struct casts {
  using message = Message;                                 ///< what `cast` sends
  static constexpr auto form = detail::message_form::cast; ///< taken by `handle_cast`
};
/// A request and the type of its reply (OTP: `gen_server:call/2`).
template <class Request, class Reply>
struct calls {
  using message = Request;                                 ///< what `call` sends
  using reply = Reply;                                     ///< what `call` gives
  static constexpr auto form = detail::message_form::call; ///< taken by `handle_call`
};
/// A plain message, as `send` sends it (OTP: what `handle_info/2` gets).
template <class Message>
struct infos {
  using message = Message;                                 ///< what `send` sends, or the runtime
  static constexpr auto form = detail::message_form::info; ///< taken by `handle_info`
};
/// An event: of a gen_event's handlers what `notify` sends; of a gen_statem what it sends itself, the content
/// of time-outs and of `next_event`, which is never taken from outside.
template <class Message>
struct events {
  using message = Message;                                 ///< what the event is
  static constexpr auto form = detail::message_form::info; ///< taken by `handle_event`
};

namespace detail {

template <class Entry>
inline constexpr bool is_event = false;
template <class Message>
inline constexpr bool is_event<events<Message>> = true;

template <class T>
inline constexpr bool always_false = false;

template <class Request, class... Entries>
struct find_reply {
  static_assert(always_false<Request>,
                "call<Request>(server, ...): the server's protocol has no calls<Request, ...>");
};
template <class Request, class Reply, class... Rest>
struct find_reply<Request, calls<Request, Reply>, Rest...> {
  using type = Reply;
};
template <class Request, class Entry, class... Rest>
struct find_reply<Request, Entry, Rest...> : find_reply<Request, Rest...> {};

template <class... Entries>
consteval bool names_are_unique() {
  constexpr std::size_t n = sizeof...(Entries);
  if constexpr (n > 1) {
    const std::string_view names[] = {type_name<typename Entries::message>()...};
    const detail::message_form forms[] = {Entries::form...};
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = i + 1; j < n; ++j) {
        if (names[i] == names[j] && forms[i] == forms[j]) return false;
      }
    }
  }
  return true;
}

} // namespace detail

/// The list of what a server takes: `using protocol = protocol<casts<send_message>, calls<get_messages,
/// list>>;`. Two messages of one name (in different namespaces) in one form are a compile error: from afar
/// they could not be told apart.
template <class... Entries>
struct protocol {
  static_assert(detail::names_are_unique<Entries...>(), "protocol<...>: two messages have the same name");
  static_assert((sendable<typename Entries::message> && ...),
                "protocol<...>: every message must be sendable");

  /// The reply to a request; a compile error, which says so, if the list has no such request.
  template <class Request>
  using reply_of = typename detail::find_reply<Request, Entries...>::type;
  /// Whether the list has `casts<Message>`.
  template <class Message>
  static constexpr bool has_cast = (std::is_same_v<Entries, casts<Message>> || ...);
  /// Whether the list has `events<Message>`.
  template <class Message>
  static constexpr bool has_event = (std::is_same_v<Entries, events<Message>> || ...);

  /// Calls `visit.template operator()<Entry>()` for each entry until one returns true.
  template <class Visitor>
  static bool any(Visitor&& visit) {
    return (visit.template operator()<Entries>() || ...);
  }
};

} // namespace coppice
