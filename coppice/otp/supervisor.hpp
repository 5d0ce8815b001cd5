// supervisor: starts children, ends them in order, and starts them again when they fail. OTP: module
// supervisor.
//
//   class chat_sup : public coppice::supervisor {
//   public:
//     coppice::supervisor_flags flags() const { return {.intensity = 5, .period = 10s}; }
//     std::vector<coppice::child_spec> children() const {
//       return {coppice::child<chat_server>("chat_server", coppice::local("chat_server")),
//               coppice::child<room_sup>("rooms")};
//     }
//   };
//   auto sup = co_await coppice::start_link<chat_sup>(coppice::local("chat_sup"));
//
// The class is constructed with the arguments of start_link in the supervisor's own process, asked once and
// destroyed. An optional `init_result init()` is called first and may refuse the start or say `ignore`.
// Strategies, restart types, intensity, shutdown, significant children and the results of all functions are
// those of OTP's manual page.
#pragma once

#include "coppice/otp/child.hpp"
#include "coppice/otp/detail/supervisor_process.hpp"
#include "coppice/otp/gen.hpp"

#include <concepts>
#include <cstddef>
#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

/// The base of supervisors.
class supervisor {
public:
  /// one_for_one, at most 1 restart in 5 s
  [[nodiscard]] supervisor_flags flags() const { return {}; }

protected:
  ~supervisor() = default;
};

template <std::derived_from<supervisor> S>
struct detail::behaviour_of<S> {
  using process = detail::supervisor_process<S>;
};

/// A supervisor made of values instead of a class: `start_link<plain_supervisor>(flags, specs)`.
class plain_supervisor final : public supervisor {
public:
  /// Checked when it starts: `start_link` gives the error.
  plain_supervisor(supervisor_flags flags, std::vector<child_spec> children)
      : flags_(flags), children_(std::move(children)) {}
  /// @{
  /// What it was made of.
  [[nodiscard]] supervisor_flags flags() const { return flags_; }
  [[nodiscard]] const std::vector<child_spec>& children() const { return children_; }
  /// @}

private:
  supervisor_flags flags_;
  std::vector<child_spec> children_;
};

/// Which supervisor is asked: its typed reference, pid or name.
class supervisor_address {
public:
  /// @{
  /// From a reference of any class, and from whatever a `server_name` is made of.
  template <class S>
  supervisor_address(const server_ref<S>& sup) : name_(sup.name()) {} // NOLINT(google-explicit-constructor)
  template <class N>
    requires std::convertible_to<N, server_name>
  supervisor_address(N&& name) : name_(std::forward<N>(name)) {} // NOLINT(google-explicit-constructor)
  /// @}

  /// @cond internal
  [[nodiscard]] server_name take() && { return std::move(name_); }
  /// @endcond

private:
  server_name name_;
};

/// Awaits a supervisor's answer, however long it takes, as in OTP. The caller lives on when there is none
/// (`supervisor_error::no_answer`).
template <class R>
class supervisor_call {
public:
  /// @cond internal
  template <class Request>
  supervisor_call(supervisor_address to, Request request)
      : inner_(std::move(to).take(), std::move(request), infinity) {}
  /// @endcond
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return inner_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { inner_.await_suspend(caller); }
  std::expected<R, child_error> await_resume() {
    std::expected<detail::supervisor_reply<R>, exit_reason> reply = inner_.await_resume();
    if (reply) return std::move(reply->outcome);
    return std::unexpected(child_error{supervisor_error::no_answer, {}, std::move(reply.error())});
  }
  /// @}

private:
  try_call_awaiter<detail::supervisor_reply<R>> inner_;
};

namespace detail {

/// Text is kept as a string, so that `start_child(sup, "bob")` fits a template of std::string.
template <class T>
using start_argument =
    std::conditional_t<std::convertible_to<T, std::string_view>, std::string, std::decay_t<T>>;

template <class T>
concept a_child_spec = std::convertible_to<T, child_description>;

} // namespace detail

/// Adds a child and starts it. Gives its pid, or none if its init said `ignore`; the specification is kept
/// then, unless the child is temporary. Errors: already_started, already_present, start_failed,
/// bad_child_spec, simple_one_for_one.
template <detail::a_child_spec Spec>
[[nodiscard]] supervisor_call<pid> start_child(supervisor_address sup, Spec&& child) {
  static_assert(detail::safe_in_co_await<Spec&&>,
                "GCC 12 miscompiles aggregate temporaries in co_await: name the child_spec first");
  return supervisor_call<pid>(
      std::move(sup), detail::asked::start_child{child_description(std::forward<Spec>(child)).spec()});
}
/// simple_one_for_one: starts one more child with these arguments behind those of the template. Errors:
/// start_failed; `{badarg, Text}` as its reason if the template takes other types.
template <class... Args>
  requires(!(sizeof...(Args) == 1 && (detail::a_child_spec<Args> && ...)))
[[nodiscard]] supervisor_call<pid> start_child(supervisor_address sup, Args&&... args) {
  static_assert((detail::safe_in_co_await<Args&&> && ...),
                "GCC 12 miscompiles aggregate temporaries in co_await: name the argument first");
  static_assert((sendable<detail::start_argument<Args>> && ...),
                "start_child: the arguments must be sendable");
  child_args all;
  if constexpr (sizeof...(Args) > 0) {
    all = std::make_shared<const detail::typed_arguments<detail::start_argument<Args>...>>(
        std::forward<Args>(args)...);
  }
  return supervisor_call<pid>(std::move(sup), detail::asked::start_dynamic{std::move(all)});
}
/// Ends a child, by its id, or under simple_one_for_one by its pid. The specification stays, unless the child
/// is temporary, so that restart_child can start it again. Errors: not_found, simple_one_for_one.
[[nodiscard]] supervisor_call<ok> terminate_child(supervisor_address sup, child_id id);
/// Starts a child that does not run again. Errors: not_found, running, restarting, start_failed,
/// simple_one_for_one.
[[nodiscard]] supervisor_call<pid> restart_child(supervisor_address sup, child_id id);
/// Forgets a child that does not run. Errors: not_found, running, restarting, simple_one_for_one.
[[nodiscard]] supervisor_call<ok> delete_child(supervisor_address sup, child_id id);
/// The children, newest first; a console asks for the first of a great many by `limit`. Linear in the answer.
[[nodiscard]] supervisor_call<std::vector<child_info>> which_children(supervisor_address sup,
                                                                      std::size_t limit = SIZE_MAX);
/// Constant time under simple_one_for_one.
[[nodiscard]] supervisor_call<child_counts> count_children(supervisor_address sup);
/// A child's specification, by its id, or under simple_one_for_one by its pid. Errors: not_found.
[[nodiscard]] supervisor_call<child_spec> get_childspec(supervisor_address sup, child_id id);

} // namespace coppice
