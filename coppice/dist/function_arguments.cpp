#include "coppice/dist/function_arguments.hpp"

#include <chrono>

namespace coppice::dist {

using namespace literals;

atom atom_argument(const function_call& call, std::size_t at) {
  if (!call.arguments[at].is_atom()) raise_error("badarg"_atom);
  return *call.arguments[at].as_atom();
}

pid pid_argument(const function_call& call, std::size_t at) {
  if (!call.arguments[at].is_pid()) raise_error("badarg"_atom);
  return *call.arguments[at].as_pid();
}

pid local_pid_argument(const function_call& call, std::size_t at) {
  const pid p = pid_argument(call, at);
  if (!p.local()) raise_error("badarg"_atom);
  return p;
}

std::vector<atom> atoms_argument(const function_call& call, std::size_t at) {
  const term& given = call.arguments[at];
  if (given.is_atom()) return {*given.as_atom()};
  if (!given.is_proper_list()) raise_error("badarg"_atom);
  std::vector<atom> all;
  for (const term& each : given.items()) {
    if (!each.is_atom()) raise_error("badarg"_atom);
    all.push_back(*each.as_atom());
  }
  return all;
}

server_name server_argument(const function_call& call, std::size_t at, const atom& own) {
  const term& given = call.arguments[at];
  if (given.is_pid()) return {*given.as_pid()};
  if (given.is_atom()) return {*given.as_atom()};
  const std::span<const term> parts = given.elements();
  if (parts.size() != 2 || !parts[0].is_atom() || !parts[1].is_atom(own)) raise_error("badarg"_atom);
  return {*parts[0].as_atom()};
}

duration timeout_argument(const function_call& call, std::size_t at) {
  const term& given = call.arguments[at];
  if (given.is_atom("infinity"_atom)) return infinity;
  const std::int64_t ms = given.as_int64().value_or(-1);
  if (ms < 0 || ms > UINT32_MAX) raise_error("badarg"_atom);
  return std::chrono::milliseconds(ms);
}

atom passing_atom(std::string_view text, const atom& otherwise) {
  return atom::from_peer(text).value_or(otherwise);
}

} // namespace coppice::dist
