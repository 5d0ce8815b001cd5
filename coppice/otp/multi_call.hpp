// The same server on many nodes: multi_call and abcast. OTP: gen_server:multi_call/2,3,4 and abcast/2,3.
//
// There is one node for now, `nonode@nohost`; every other name is a node that cannot be reached. The
// signatures are those that will carry to several nodes.
#pragma once

#include "coppice/otp/await_all.hpp"

#include <utility>
#include <vector>

namespace coppice {

/// The name of the running process's node (Erlang: `node/0`).
atom node_name();
/// The nodes that `multi_call` and `abcast` ask by default: this one and those it is connected with (Erlang:
/// `[node() | nodes()]`).
std::vector<atom> all_nodes();

/// What the servers answered, and the nodes that gave no answer: not connected, no server of that name, it
/// ended, or not in time (OTP: `{Replies, BadNodes}`). Both are in the order of the nodes asked.
template <class R>
struct multi_reply {
  std::vector<std::pair<atom, R>> replies; ///< by the name of the node
  std::vector<atom> bad_nodes;             ///< those that gave none
};

namespace detail {

/// The address of the name on that node; nothing if there is no such node.
std::optional<server_name> on_node(const atom& node, const server_name& name);

template <class R>
task<multi_reply<R>> gather(std::vector<std::pair<atom, request_id<R>>> asked, std::vector<atom> bad,
                            duration timeout) {
  std::vector<request_id<R>> requests;
  for (const auto& entry : asked) requests.push_back(entry.second);
  std::vector<std::expected<R, exit_reason>> answers = co_await await_all(std::move(requests), timeout);
  multi_reply<R> all{{}, std::move(bad)};
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) {
      all.replies.emplace_back(asked[i].first, std::move(*answers[i]));
    } else {
      all.bad_nodes.push_back(asked[i].first);
    }
  }
  co_return all;
}

} // namespace detail

/// Asks the server of that name on each of the nodes and awaits all replies, `time` for all together. Never
/// fails; late replies are dropped. `co_await multi_call<read>(all_nodes(), chat, within(1s), args...)`.
template <class Request, class S, class... Args>
[[nodiscard]] auto multi_call(const std::vector<atom>& nodes, const server_ref<S>& name, within time,
                              const Args&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  std::vector<std::pair<atom, request_id<reply>>> asked;
  std::vector<atom> bad;
  for (const atom& node : nodes) {
    if (std::optional<server_name> there = detail::on_node(node, name.name())) {
      asked.emplace_back(node, send_request<Request>(server_ref<S>(std::move(*there)), args...));
    } else {
      bad.push_back(node);
    }
  }
  return detail::gather<reply>(std::move(asked), std::move(bad), time.time());
}
/// The same without a limit of time, as in OTP.
template <class Request, class S, class... Args>
[[nodiscard]] auto multi_call(const std::vector<atom>& nodes, const server_ref<S>& name,
                              const Args&... args) {
  return multi_call<Request>(nodes, name, within(infinity), args...);
}

/// Casts to the server of that name on each of the nodes; where there is none the message vanishes.
template <class Message, class S, class... Args>
void abcast(const std::vector<atom>& nodes, const server_ref<S>& name, const Args&... args) {
  for (const atom& node : nodes) {
    if (std::optional<server_name> there = detail::on_node(node, name.name())) {
      cast<Message>(server_ref<S>(std::move(*there)), args...);
    }
  }
}

} // namespace coppice
