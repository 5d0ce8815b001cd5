// Child specifications, written down: what is started, and what a supervisor does about its end.
//
//   child<chat_server>("chat_server", local("chat_server"))      // permanent, 5 s to shut down
//   child<cache>("cache", 1024).transient().shutdown(2s)
//   child<room_sup>("rooms")                                     // a supervisor: infinity to shut down
//   child_process("ticker", &tick, 1s).brutal_kill()             // process tick(self, duration)
#pragma once

#include "coppice/otp/child_spec.hpp"
#include "coppice/otp/detail/child_starter.hpp"

#include <concepts>
#include <memory>
#include <string>
#include <utility>

namespace coppice {

class supervisor;

/// A child specification in the making; it turns into a `child_spec` where one is wanted. Unless said
/// otherwise: permanent, not significant, a worker with 5 s (a supervisor: any time) to shut down.
class child_description {
public:
  /// For `child`, `child_process` and `child_function`, which know how to start it.
  explicit child_description(child_id id, std::shared_ptr<const child_starter> start) {
    spec_.id = std::move(id);
    spec_.start = std::move(start);
  }
  /// Begins with a finished specification.
  child_description(const child_spec& spec) : spec_(spec) {} // NOLINT(google-explicit-constructor)

  /// @{
  /// When it is started again after its end: always, unless that was a clean one, never (`restart`).
  child_description&& permanent() && { return as(restart::permanent); }
  child_description&& transient() && { return as(restart::transient); }
  child_description&& temporary() && { return as(restart::temporary); }
  /// @}
  /// How long it may take to end, from 0 ms; then it is killed.
  child_description&& shutdown(std::chrono::milliseconds wait) && { return within(wait); }
  /// It is killed at once.
  child_description&& brutal_kill() && { return within(child_shutdown::brutal_kill()); }
  /// It may take any time to end.
  child_description&& infinity() && { return within(child_shutdown::infinity()); }
  /// Its end counts for the supervisor's auto_shutdown.
  child_description&& significant() && {
    spec_.significant = true;
    return std::move(*this);
  }
  /// It supervises others.
  child_description&& supervisor() && {
    spec_.type = child_type::supervisor;
    return std::move(*this);
  }
  /// As `which_children` lists it; informative.
  child_description&& module(const std::string& name) && {
    spec_.modules.assign(1, name);
    return std::move(*this);
  }

  /// @{
  /// The specification made so far.
  [[nodiscard]] const child_spec& spec() const noexcept { return spec_; }
  operator child_spec() const& { return spec_; }        // NOLINT(google-explicit-constructor)
  operator child_spec() && { return std::move(spec_); } // NOLINT(google-explicit-constructor)
  /// @}

private:
  child_description&& as(restart when) {
    spec_.restart = when;
    return std::move(*this);
  }
  child_description&& within(child_shutdown time) {
    spec_.shutdown = time;
    return std::move(*this);
  }

  child_spec spec_;
};

namespace detail {

template <class S, class Extra, class... Args>
child_description describe_child(child_id id, start_options options, Args&&... args) {
  static_assert((std::copy_constructible<std::decay_t<Args>> && ...),
                "child<S>(id, args...): the arguments are used at each start, so they must be copyable");
  auto starter = std::make_shared<const behaviour_starter<S, Extra, std::decay_t<Args>...>>(
      std::move(options), std::forward<Args>(args)...);
  child_description all =
      child_description(std::move(id), std::move(starter)).module(std::string(type_name<S>()));
  if constexpr (std::derived_from<S, supervisor>) return std::move(all).supervisor();
  return all;
}

template <class S, class Extra, class... Args>
child_description child_with_options(child_id id, Args&&... args) {
  return describe_child<S, Extra>(std::move(id), start_options(), std::forward<Args>(args)...);
}
template <class S, class Extra, class First, class... Args>
  requires std::same_as<std::decay_t<First>, start_options>
child_description child_with_options(child_id id, First&& options, Args&&... args) {
  return describe_child<S, Extra>(std::move(id), std::forward<First>(options), std::forward<Args>(args)...);
}
template <class S, class Extra, class First, class... Args>
  requires(std::same_as<std::decay_t<First>, local> || std::same_as<std::decay_t<First>, via>)
child_description child_with_options(child_id id, First&& name, Args&&... args) {
  start_options options;
  options.name = server_name(std::forward<First>(name));
  return describe_child<S, Extra>(std::move(id), std::move(options), std::forward<Args>(args)...);
}

} // namespace detail

/// A child that runs a class of any behaviour: what `start_link<S>(args...)` starts. `local(name)`, a `via`
/// or `start_options` may stand before the class's own arguments, which are copied at each start.
template <class S, class... Args>
[[nodiscard]] child_description child(child_id id, Args&&... args) {
  return detail::child_with_options<S, std::tuple<>>(std::move(id), std::forward<Args>(args)...);
}

/// The one specification of a simple_one_for_one supervisor. Each child gets `args...`, then those of its
/// `start_child`, whose types are `Extra...`: `child_template<session, std::string>("session", limits)`.
template <class S, class... Extra, class... Args>
[[nodiscard]] child_description child_template(child_id id, Args&&... args) {
  static_assert((sendable<Extra> && ...), "child_template: the arguments of start_child must be sendable");
  return detail::child_with_options<S, std::tuple<Extra...>>(std::move(id), std::forward<Args>(args)...);
}

/// A child that is a plain process: `process function(self, args...)`. It counts as started at once.
template <class F, class... Args>
[[nodiscard]] child_description child_process(child_id id, F function, Args... args) {
  static_assert(detail::process_function<F, Args...>,
                "child_process(id, f, args...): f must be a function `process f(self, args...)`");
  static_assert(std::is_empty_v<F> || std::is_pointer_v<F>,
                "child_process: a coroutine lambda must not capture; pass arguments");
  return child_description(std::move(id), std::make_shared<const detail::process_starter<F, Args...>>(
                                              function, std::move(args)...));
}

/// A child started by a function of yours, `task<std::expected<pid, exit_reason>> function(args...)`, in the
/// supervisor's process. It must link what it starts, as `start_link` does; `ignored()` is no failure.
template <class F, class... Args>
  requires std::is_invocable_r_v<task<std::expected<pid, exit_reason>>, F, const Args&...>
[[nodiscard]] child_description child_function(child_id id, F function, Args... args) {
  return child_description(std::move(id), std::make_shared<const detail::function_starter<F, Args...>>(
                                              function, std::move(args)...));
}

} // namespace coppice
