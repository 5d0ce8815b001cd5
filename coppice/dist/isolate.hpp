// Children in OS processes of their own: a segmentation fault, an abort or a runaway costs that child alone.
//
//   int main(int argc, char** argv) {
//     dist::isolate_main(argc, argv); // first of all: an isolate is this very program, started once more
//     ...
//   std::vector<child_spec> children() {
//     return {child<shop>("shop", local("shop")),
//             dist::isolate<codec>("codec", {.memory = 512 << 20}, local("codec"), quality)};
//   }
//
// To its supervisor, and to whoever calls, links or monitors it, the child is a process like any other.
#pragma once

#include "coppice/dist/isolate_registry.hpp"
#include "coppice/otp/child.hpp"
#include "coppice/otp/supervisor.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace coppice::dist {

/// What an isolate may take; without a figure, what this process may.
struct isolate_limits {
  /// Bytes that it may have allocated, stacks of threads included (RLIMIT_DATA); then allocating fails, which
  /// in C++ is `std::bad_alloc`. 0: no limit. An OS process of ours needs some 32 MiB for itself. Programs
  /// built with a sanitizer have no such limit.
  std::uint64_t memory = 0;
  /// Seconds of processor time of one life of the OS process (RLIMIT_CPU); then it ends with SIGXCPU, and is
  /// started again by the rules of its specification. 0: no limit.
  std::chrono::seconds cpu{0};
  unsigned cores = 1; ///< threads that run processes there
  /// For the OS process to start and for its child's `init`; then the start fails with `timeout`.
  duration start_time = std::chrono::seconds(30);
};

/// To be called first thing in `main`. Returns unless the program was started as an isolate; then it runs the
/// child, and ends the OS process when that is over or the one that started it is gone.
void isolate_main(int argc, char** argv);

/// In an isolate: the name of the node that it belongs to, for `remote_name{"shop", dist::host_node()}`. An
/// isolate reaches that node and no other. Elsewhere `nonode@nohost`.
[[nodiscard]] atom host_node();

namespace detail {

/// What is started, any number of times.
struct isolate_plan {
  std::string class_name; ///< by which the isolate finds it
  std::string_view label; ///< of static storage
  term arguments;         ///< the list of them
  isolate_limits limits;
};

/// Starts the process that stands for the child here.
class isolate_starter final : public child_starter {
public:
  isolate_starter(isolate_plan plan, start_options options)
      : plan_(std::move(plan)), options_(std::move(options)) {}
  coppice::detail::start_begun begin(const child_args& extra) const override;

private:
  isolate_plan plan_;
  start_options options_;
};

template <class S, class... Args>
child_description describe_isolate(child_id id, const isolate_limits& limits, start_options options,
                                   Args&&... args) {
  static_assert((has_term_form<std::decay_t<Args>> && ...),
                "isolate<S>(id, limits, args...): the arguments go to another OS process as terms, so each "
                "must have a form as one");
  using known = isolated_class<S, std::decay_t<Args>...>;
  isolate_plan plan{known::registered, type_name<S>(), term::list(to_term(std::decay_t<Args>(args))...),
                    limits};
  child_description all(std::move(id),
                        std::make_shared<const isolate_starter>(std::move(plan), std::move(options)));
  all = std::move(all).module(std::string(type_name<S>()));
  if constexpr (std::derived_from<S, supervisor>) return std::move(all).supervisor();
  return all;
}

template <class S, class... Args>
child_description isolate_with_options(child_id id, const isolate_limits& limits, Args&&... args) {
  return describe_isolate<S>(std::move(id), limits, start_options(), std::forward<Args>(args)...);
}
template <class S, class First, class... Args>
  requires std::same_as<std::decay_t<First>, start_options>
child_description isolate_with_options(child_id id, const isolate_limits& limits, First&& options,
                                       Args&&... args) {
  return describe_isolate<S>(std::move(id), limits, std::forward<First>(options),
                             std::forward<Args>(args)...);
}
template <class S, class First, class... Args>
  requires(std::same_as<std::decay_t<First>, local> || std::same_as<std::decay_t<First>, via>)
child_description isolate_with_options(child_id id, const isolate_limits& limits, First&& name,
                                       Args&&... args) {
  start_options options;
  options.name = server_name(std::forward<First>(name));
  return describe_isolate<S>(std::move(id), limits, std::move(options), std::forward<Args>(args)...);
}

} // namespace detail

/// As `child<S>(id, args...)`, in an OS process of its own. `local(name)`, a `via` or `start_options` may
/// stand before the arguments of the class, which need a form as terms; so do its requests and replies.
///
/// What the supervisor starts is a process here that stands for the child there: it passes on what it gets,
/// and ends with the reason of the child, or with `{isolate, {signal, 'SIGSEGV'}}` or
/// `{isolate, {exit_status, N}}` if the OS process ended by itself. It is what `which_children` lists and
/// what has the name. `sys` asks it, not the child.
template <class S, class... Args>
[[nodiscard]] child_description isolate(child_id id, const isolate_limits& limits, Args&&... args) {
  return detail::isolate_with_options<S>(std::move(id), limits, std::forward<Args>(args)...);
}

} // namespace coppice::dist
