// gen_server: a process that keeps state and answers requests. OTP: module gen_server.
//
//   class counter : public coppice::gen_server {
//   public:
//     using protocol = coppice::protocol<coppice::calls<increment, int>, coppice::casts<reset>>;
//     int handle_call(increment m) { return n_ += m.by; }
//     void handle_cast(reset) { n_ = 0; }
//   private:
//     int n_ = 0;
//   };
//   auto started = co_await start_link<counter>(local("counter"));
//
// Callbacks, all but those of the protocol optional:
//   init()                          void, init_result, or a task of them; the constructor has the arguments
//   handle_call(Request)            the reply, result<Reply>, or a task of them
//   handle_call(Request, reply_to<Reply>)   void or result<>: the reply comes later
//   handle_cast(Message)            void, result<>, or a task of them
//   handle_info(Message)            likewise
//   handle_call(term, from), handle_cast(term), handle_info(term)   what no typed handler takes
//   handle_timeout()                after result::timeout; without it handle_info gets the atom `timeout`
//   handle_continue(term)           after result::then
//   terminate(const exit_reason&)   the last call; not made when an untrapped exit signal ends the process
//   state() const -> term           for sys:get_state and crash reports
//   replace_state(term), code_change(term old_vsn, term extra)
#pragma once

#include "coppice/otp/detail/gen_server_process.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/result.hpp"
#include "coppice/otp/start.hpp"

#include <concepts>

namespace coppice {

/// The base of servers. It holds nothing: a server costs its process and its state.
class gen_server {
public:
  using protocol = coppice::protocol<>; ///< nothing, until the derived class names its own
  /// Whether a request that no callback takes ends the server, as in OTP, or is answered with
  /// `{bad_request, Request}`. To be hidden by the derived class's own.
  static constexpr bool strict = false;

protected:
  ~gen_server() = default;
};

template <std::derived_from<gen_server> S>
struct detail::behaviour_of<S> {
  using process = detail::gen_server_process<S>;
};

} // namespace coppice
