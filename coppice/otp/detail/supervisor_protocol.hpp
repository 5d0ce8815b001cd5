// What is said to a supervisor and what it answers, in the form of OTP's own messages, so that OTP's
// `supervisor:which_children/1` works on ours and ours on OTP's.
#pragma once

#include "coppice/otp/child_spec.hpp"
#include "coppice/otp/ok.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/describe.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <vector>

namespace coppice {

namespace detail {

// The requests: the name of the type is the tag of the tuple.
namespace asked {
struct start_child {
  child_spec spec;
  std::optional<term> fault{}; ///< of one from another node: what OTP says is wrong with it
};
struct start_dynamic {
  child_args args;
};
struct terminate_child {
  child_id id;
};
struct restart_child {
  child_id id;
};
struct delete_child {
  child_id id;
};
struct get_childspec {
  child_id id;
};
struct which_children {};
struct which_children_limit {
  std::uint64_t limit = 0;
};
struct count_children {};
/// A supervisor to itself: what waits in its mailbox goes before the next attempt.
struct try_again_restart {
  child_id child;
};
} // namespace asked

/// An answer, with the reason's details where it stays on the node.
template <class R>
struct supervisor_reply {
  std::expected<R, child_error> outcome;
};

term reply_as_term(const pid& child);
term reply_as_term(const ok& done);
term reply_as_term(const std::vector<child_info>& children);
term reply_as_term(const child_counts& counts);
term reply_as_term(const child_spec& spec);

// The `{error, Reason}` is read before these.
std::expected<void, decode_error> read_reply_term(const term& t, pid& into);
std::expected<void, decode_error> read_reply_term(const term& t, ok& into);
std::expected<void, decode_error> read_reply_term(const term& t, std::vector<child_info>& into);
std::expected<void, decode_error> read_reply_term(const term& t, child_counts& into);
std::expected<void, decode_error> read_reply_term(const term& t, child_spec& into);
bool is_error_reply(const term& t);

} // namespace detail

/// A child specification as OTP's map. A start of this node has no module, function and arguments: its class
/// stands for the module. One of another node comes as such and goes back as it was; used here it fails with
/// `{cannot_start_here, {Module, Function, Arguments}}`.
template <>
struct describe<child_spec> {
  static term to(const child_spec& spec);
  static std::expected<child_spec, decode_error> from(const term& t);
};
/// Of `{start_child, Spec}` any specification is taken, for OTP answers a bad one; a list is start_dynamic's.
template <>
struct describe<detail::asked::start_child> {
  static term to(const detail::asked::start_child& r);
  static std::expected<detail::asked::start_child, decode_error> from(const term& t);
};
template <>
struct describe<detail::asked::start_dynamic> {
  static term to(const detail::asked::start_dynamic& r);
  static std::expected<detail::asked::start_dynamic, decode_error> from(const term& t);
};
template <class R>
struct describe<detail::supervisor_reply<R>> {
  static term to(const detail::supervisor_reply<R>& r) {
    if (r.outcome) return detail::reply_as_term(*r.outcome);
    return term::tuple(atom("error"), r.outcome.error().as_term());
  }
  static std::expected<detail::supervisor_reply<R>, decode_error> from(const term& t) {
    if (detail::is_error_reply(t)) {
      return detail::supervisor_reply<R>{std::unexpected(child_error::from_term(t.elements()[1]))};
    }
    R value{};
    if (auto read = detail::read_reply_term(t, value); !read) return std::unexpected(read.error());
    return detail::supervisor_reply<R>{std::move(value)};
  }
};

} // namespace coppice
