// gen_event: an event manager and its handlers. OTP: module gen_event.
//
//   struct disk_full { std::string path; };
//   struct count {};
//
//   class alarm_log : public coppice::event_handler {
//   public:
//     using protocol = coppice::protocol<coppice::events<disk_full>, coppice::calls<count, int>>;
//     void handle_event(const disk_full&) { ++seen_; }
//     int handle_call(count) const { return seen_; }
//   private:
//     int seen_ = 0;
//   };
//
//   auto manager = co_await start_link<gen_event>(local("alarms"));
//   auto log = co_await add_handler<alarm_log>(*manager);
//   notify<disk_full>(*manager, "/var");
//   int n = co_await call<count>(*log);
//
// An event is one message to the manager, which calls each handler in turn, the newest first, in its own
// process. A handler that throws is removed and reported; the manager and the other handlers live on.
//
// The manager may be on another node, ours or Erlang's: all but adding and swapping handlers works there too,
// these fail with `{cannot_add_from_afar, Handler}`. To an Erlang node H is a class with the name of the
// handler's module and its protocol. As in OTP an answer `{error, Reason}` of a handler there is an error.
//
// A handler's callbacks, all but those of its protocol optional; each but terminate may be a coroutine:
//   init()                       void, or std::expected<void, exit_reason>; the constructor has the arguments
//   init(const term& previous)   the same for a handler that replaces another, whose terminate gave that
//   handle_event(const Event&)   void or handler_result<>
//   handle_info(const Message&)  likewise
//   handle_call(Request)         the reply or handler_result<Reply>
//   handle_call(Request, reply_to<Reply>)   void or handler_result<>: the reply comes later
//   handle_event(const term&), handle_info(const term&), handle_call(term, from)
//                                what no typed callback takes
//   terminate(const term& why)   void or a term; why is `{stop, Reason}`, `stop`, `remove_handler`,
//                                `{error, Reason}`, or what delete_handler or swap_handler was given
//   state() const -> term, replace_state(term), code_change(term old_vsn, term extra)
#pragma once

#include "coppice/otp/detail/event_manager.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/handler_result.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/start.hpp"

#include <concepts>
#include <utility>
#include <vector>

namespace coppice {

/// The base of event handlers. It holds nothing.
class event_handler {
public:
  using protocol = coppice::protocol<>; ///< nothing, until the derived class names its own

protected:
  ~event_handler() = default;
};

/// An event manager, started by `start_link<gen_event>(local("alarms"))`. It takes any event; a class derived
/// from it with `using protocol = protocol<events<disk_full>, ...>` takes those alone, checked at compile
/// time.
class gen_event {
public:
  using protocol = coppice::protocol<>; ///< of the manager itself: any event; a derived class names some
};

template <std::derived_from<gen_event> M>
struct detail::behaviour_of<M> {
  using process = detail::event_manager_of<M>;
};

/// The address of a handler of class H: of its manager, and which one there.
template <class H>
struct handler_ref {
  /// By default the handler of that class that has no id.
  explicit handler_ref(server_name m, handler_id h = {atom(type_name<H>())})
      : manager(std::move(m)), handler(std::move(h)) {}
  server_name manager; ///< looked up anew at each use
  handler_id handler;  ///< which one of the manager's handlers
};

/// `{Module, Id}`: the id under which a handler is added: `add_handler<alarm_log>(manager, with_id("disk"),
/// args...)`.
class with_id {
public:
  /// Any term; tells handlers of one class apart.
  explicit with_id(term id) : id_(std::move(id)) {}
  /// As it was given.
  [[nodiscard]] const term& id() const noexcept { return id_; }

private:
  term id_;
};

namespace detail {

template <class H, class... Args>
std::unique_ptr<handler_slot> make_handler(Args&&... args) {
  static_assert(std::derived_from<H, event_handler>, "an event handler derives from coppice::event_handler");
  return std::make_unique<typed_handler<H>>(handler_id{atom(type_name<H>())}, std::forward<Args>(args)...);
}
template <class H, class First, class... Args>
  requires std::same_as<std::decay_t<First>, with_id>
std::unique_ptr<handler_slot> make_handler(First&& id, Args&&... args) {
  auto made = make_handler<H>(std::forward<Args>(args)...);
  made->id.id = id.id();
  return made;
}

/// Awaits the adding of a handler.
template <class H>
class add_handler_awaiter : public try_call_awaiter<term> {
public:
  add_handler_awaiter(server_name manager, event_request request)
      : add_handler_awaiter(std::move(manager), handler_id(request.handler->id), request) {}
  std::expected<handler_ref<H>, exit_reason> await_resume() {
    std::expected<term, exit_reason> added = try_call_awaiter<term>::await_resume();
    if (!added) return std::unexpected(std::move(added.error()));
    return handler_ref<H>(std::move(manager_), std::move(id_));
  }

private:
  add_handler_awaiter(server_name manager, handler_id id, event_request& request)
      : try_call_awaiter<term>(manager, std::move(request), infinity), manager_(std::move(manager)),
        id_(std::move(id)) {}
  server_name manager_;
  handler_id id_;
};

} // namespace detail

/// Adds a handler, which is constructed with the arguments in the manager's process (OTP:
/// `gen_event:add_handler/3`). Gives its address, or why there is none: what its constructor or init threw or
/// returned.
template <class H, class M, class... Args>
[[nodiscard]] auto add_handler(const server_ref<M>& manager, Args&&... args) {
  return detail::add_handler_awaiter<H>(
      manager.name(),
      detail::event_request::add(detail::make_handler<H>(std::forward<Args>(args)...), false));
}
/// The same, supervised by the caller: it is removed, with `{stop, Reason}`, when the caller ends, and the
/// caller gets a `gen_event_exit` when it is removed (OTP: `gen_event:add_sup_handler/3`). Links the caller
/// with the manager.
template <class H, class M, class... Args>
[[nodiscard]] auto add_sup_handler(const server_ref<M>& manager, Args&&... args) {
  return detail::add_handler_awaiter<H>(
      manager.name(), detail::event_request::add(detail::make_handler<H>(std::forward<Args>(args)...), true));
}

/// Removes a handler; gives what its `terminate(arguments)` returned, or an error: `module_not_found`, or
/// what that threw (OTP: `gen_event:delete_handler/3`).
template <class H>
[[nodiscard]] try_call_awaiter<term> delete_handler(const handler_ref<H>& handler,
                                                    term arguments = term(atom("ok"))) {
  return {handler.manager, detail::event_request::remove(handler.handler, std::move(arguments)), infinity};
}

/// Puts a handler of class New in the place of another: `init` gets what `terminate(arguments)` of the old
/// one returned, or `error` if there was none (OTP: `gen_event:swap_handler/3`).
template <class New, class H, class... Args>
[[nodiscard]] auto swap_handler(const handler_ref<H>& old, term arguments, Args&&... args) {
  return detail::add_handler_awaiter<New>(
      old.manager,
      detail::event_request::swap(old.handler, std::move(arguments),
                                  detail::make_handler<New>(std::forward<Args>(args)...), false));
}
/// The same, the new one being supervised by the caller (OTP: `gen_event:swap_sup_handler/3`).
template <class New, class H, class... Args>
[[nodiscard]] auto swap_sup_handler(const handler_ref<H>& old, term arguments, Args&&... args) {
  return detail::add_handler_awaiter<New>(
      old.manager, detail::event_request::swap(old.handler, std::move(arguments),
                                               detail::make_handler<New>(std::forward<Args>(args)...), true));
}

/// The handlers, newest first (OTP: `gen_event:which_handlers/1`).
template <class M>
[[nodiscard]] try_call_awaiter<std::vector<handler_id>> which_handlers(const server_ref<M>& manager) {
  return {manager.name(), detail::event_request::which(), infinity};
}

namespace detail {
template <class M, class Event>
constexpr void check_event() {
  static_assert(std::same_as<M, gen_event> || M::protocol::template has_event<Event>,
                "notify<Event>(manager, ...): the manager's protocol has no events<Event>");
}
} // namespace detail

/// Sends an event to all handlers, without waiting (OTP: `gen_event:notify/2`).
template <class Event, class M, class... Args>
void notify(const server_ref<M>& manager, Args&&... args) {
  detail::check_event<M, Event>();
  detail::send_event(manager.name(), detail::make_message<Event>(Event(std::forward<Args>(args)...)));
}
/// The same, and waits until every handler has handled it (OTP: `gen_event:sync_notify/2`).
template <class Event, class M, class... Args>
[[nodiscard]] call_awaiter<atom> sync_notify(const server_ref<M>& manager, Args&&... args) {
  detail::check_event<M, Event>();
  return {manager.name(),
          detail::event_request::event(
              detail::make_message<Event>(detail::build<Event>(std::forward<Args>(args)...))),
          infinity};
}
/// Like `sync_notify`, but lets the caller live if the manager dies or is not there, and says why.
template <class Event, class M, class... Args>
[[nodiscard]] try_call_awaiter<atom> try_sync_notify(const server_ref<M>& manager, Args&&... args) {
  detail::check_event<M, Event>();
  return {manager.name(),
          detail::event_request::event(
              detail::make_message<Event>(detail::build<Event>(std::forward<Args>(args)...))),
          infinity};
}

/// Asks one handler: `int n = co_await call<count>(log)` (OTP: `gen_event:call/3`). Errors: `bad_module` when
/// it is not there, `{'EXIT', Reason}` when it crashed, and those of every call.
template <class Request, class H, class... Args>
[[nodiscard]] auto call(const handler_ref<H>& to, Args&&... args) {
  using reply = typename H::protocol::template reply_of<Request>;
  return call_awaiter<reply>(to.manager,
                             detail::event_request::ask<Request>(to.handler, std::forward<Args>(args)...),
                             default_call_timeout);
}
/// The same with a time.
template <class Request, class H, class... Args>
[[nodiscard]] auto call(const handler_ref<H>& to, within time, Args&&... args) {
  using reply = typename H::protocol::template reply_of<Request>;
  return call_awaiter<reply>(
      to.manager, detail::event_request::ask<Request>(to.handler, std::forward<Args>(args)...), time.time());
}
/// The same with the error as a value.
template <class Request, class H, class... Args>
[[nodiscard]] auto try_call(const handler_ref<H>& to, Args&&... args) {
  using reply = typename H::protocol::template reply_of<Request>;
  return try_call_awaiter<reply>(to.manager,
                                 detail::event_request::ask<Request>(to.handler, std::forward<Args>(args)...),
                                 default_call_timeout);
}
/// The same with a time and the error as a value.
template <class Request, class H, class... Args>
[[nodiscard]] auto try_call(const handler_ref<H>& to, within time, Args&&... args) {
  using reply = typename H::protocol::template reply_of<Request>;
  return try_call_awaiter<reply>(
      to.manager, detail::event_request::ask<Request>(to.handler, std::forward<Args>(args)...), time.time());
}

/// Asks one handler without waiting; take the reply as that of any request (OTP: `gen_event:send_request/3`).
template <class Request, class H, class... Args>
[[nodiscard]] auto send_request(const handler_ref<H>& to, Args&&... args) {
  using reply = typename H::protocol::template reply_of<Request>;
  return send_request_any<reply>(
      to.manager, detail::event_request::ask<Request>(to.handler, std::forward<Args>(args)...));
}

} // namespace coppice
