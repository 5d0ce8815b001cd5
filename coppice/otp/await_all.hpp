// Several calls at once: send the requests, then await all replies.
//
//   request_id<int> a = send_request<read>(one);
//   request_id<std::string> b = send_request<name_of>(other);
//   auto both = co_await await_all(a, b);                // a tuple of two std::expected; 5 s together
//   auto& [n, name] = both;
//   auto many = co_await await_all(requests, 1s);        // of a std::vector<request_id<int>>
#pragma once

#include "coppice/otp/gen.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <tuple>
#include <utility>
#include <vector>

namespace coppice {

namespace detail {

/// The moment in that time, by the node's clock; one beyond the clock's reach is never.
time_point moment_in(duration time);
/// How long it is until then: zero when it is over, `infinity` if it is never.
duration time_until(time_point moment);

template <class... R>
using replies_of = std::tuple<std::expected<R, exit_reason>...>;

template <class R, class... Rest>
task<replies_of<R, Rest...>> await_each(time_point until, request_id<R> first, request_id<Rest>... rest) {
  std::optional<std::expected<R, exit_reason>> answer =
      co_await receive_response<R>(first, time_until(until));
  if (!answer) answer.emplace(std::unexpected(exit_reason::timeout()));
  if constexpr (sizeof...(Rest) == 0) {
    co_return std::make_tuple(std::move(*answer));
  } else {
    auto others = co_await await_each<Rest...>(until, rest...);
    co_return std::tuple_cat(std::make_tuple(std::move(*answer)), std::move(others));
  }
}

} // namespace detail

/// Awaits the replies to all requests, in the requests' order: each the reply, or why there is none. The time
/// is for all together; a request that is not answered in it is abandoned and has `timeout`, while those that
/// were answered keep their replies. One failure does not end the wait for the others.
/// (OTP: `gen_server:receive_response/3` until the collection is empty.)
template <class R>
task<std::vector<std::expected<R, exit_reason>>> await_all(std::vector<request_id<R>> requests,
                                                           duration timeout = default_call_timeout) {
  time_point until = detail::moment_in(timeout);
  std::vector<std::expected<R, exit_reason>> replies;
  replies.reserve(requests.size());
  for (request_id<R> request : requests) {
    std::optional<std::expected<R, exit_reason>> answer =
        co_await receive_response<R>(request, detail::time_until(until));
    if (!answer) answer.emplace(std::unexpected(exit_reason::timeout()));
    replies.push_back(std::move(*answer));
  }
  co_return replies;
}

/// The same for requests of different kinds, as a tuple.
template <class... R>
  requires(sizeof...(R) > 0)
task<detail::replies_of<R...>> await_all(within time, request_id<R>... requests) {
  return detail::await_each<R...>(detail::moment_in(time.time()), requests...);
}
/// The same within the time of a call.
template <class... R>
  requires(sizeof...(R) > 0)
task<detail::replies_of<R...>> await_all(request_id<R>... requests) {
  return detail::await_each<R...>(detail::moment_in(default_call_timeout), requests...);
}

} // namespace coppice
