#include "coppice/dist/detail/rex.hpp"

#include "coppice/dist/detail/io_text.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/runtime/node.hpp"

#include <utility>
#include <vector>

namespace coppice::dist::detail {

using namespace literals;

namespace {

/// `{What, M, F, A, GroupLeader}` as a call; nothing if it is none.
std::optional<function_call> call_of(const term& request, pid caller) {
  const std::span<const term> e = request.elements();
  if (e.size() != 5) return std::nullopt;
  const std::optional<atom> module = e[1].as_atom();
  const std::optional<atom> name = e[2].as_atom();
  if (!module || !name || !e[3].is_proper_list()) return std::nullopt;
  std::vector<term> arguments;
  for (const term& a : e[3].items()) arguments.push_back(a);
  return function_call(mfa{*module, *name, 0}, std::move(arguments), caller, e[4].as_pid().value_or(pid()));
}

process call_and_reply(self, std::shared_ptr<const function_table> table, function_call call, from who) {
  term value = co_await evaluate_rpc(std::move(table), std::move(call));
  who.reply(std::move(value));
}

/// As nodes written in C ask.
process call_and_send(self, std::shared_ptr<const function_table> table, function_call call) {
  const pid whom = call.caller;
  term value = co_await evaluate_rpc(std::move(table), std::move(call));
  send(whom, term::tuple("rex"_atom, std::move(value)));
}

process call_only(self, std::shared_ptr<const function_table> table, function_call call) {
  co_await evaluate_rpc(std::move(table), std::move(call));
}

} // namespace

result<term> rex::handle_call(const term& request, from who) {
  std::optional<function_call> call = call_of(request, who.caller());
  const bool known = request.size() == 5 && (request.elements()[0].is_atom("call"_atom) ||
                                             request.elements()[0].is_atom("block_call"_atom));
  if (!call || !known) {
    who.fail(exit_reason(term::tuple("bad_request"_atom, request)));
  } else {
    spawn(&call_and_reply, functions_, std::move(*call), std::move(who));
  }
  return {};
}

void rex::handle_cast(const term& message) {
  std::optional<function_call> call = call_of(message, pid());
  if (call && message.elements()[0].is_atom("cast"_atom)) spawn(&call_only, functions_, std::move(*call));
}

void rex::handle_info(const term& message) {
  const std::span<const term> e = message.elements();
  const std::optional<pid> who = e.size() == 2 ? e[0].as_pid() : std::nullopt;
  if (!who) return;
  if (e[1].is_atom("features_request"_atom)) {
    send(*who, term::tuple("features_reply"_atom, node_name(), term::list("erpc"_atom)));
  } else if (std::optional<function_call> call = call_of(e[1], *who)) {
    spawn(&call_and_send, functions_, std::move(*call));
  } else if (e[1].is_tuple(3) && e[1].elements()[1].is_atom()) {
    const std::span<const term> what = e[1].elements();
    const atom name = *what[1].as_atom();
    const std::optional<pid> there = whereis(name);
    if (there) send(*there, term(what[2]));
    if (!what[0].is_atom("sbcast"_atom)) return;
    const term outcome = there ? term(node_name()) : term::tuple("nonexisting_name"_atom, name);
    send(*who, term::tuple("rex"_atom, node_name(), outcome));
  }
}

// --- user ---

term user::print(pid from, const term& characters) {
  std::string text;
  if (!append_text(characters, text)) return term::tuple("error"_atom, "put_chars"_atom);
  this_node().report(
      report{severity::notice, "printed", from, {{"text", term::binary(text)}}, exit_reason()});
  return "ok"_atom;
}

/// The protocol of I/O (STDLIB User's Guide, "The Erlang I/O Protocol").
term user::answer(pid from, const term& request) {
  const std::span<const term> e = request.elements();
  if (request.is_atom("getopts"_atom)) return term::list(term::tuple("encoding"_atom, "unicode"_atom));
  if (e.empty()) return term::tuple("error"_atom, "request"_atom);
  if (e[0].is_atom("put_chars"_atom) && e.size() == 2) return print(from, e[1]);
  if (e[0].is_atom("put_chars"_atom) && e.size() == 3) return print(from, e[2]);
  if (e[0].is_atom("put_chars"_atom) && e.size() == 5 && e[2].is_atom("io_lib"_atom) &&
      e[3].is_atom("format"_atom) && e[4].length() == 2) {
    std::string format;
    std::optional<std::string> text;
    if (append_text(e[4].head(), format)) text = io_format(format, e[4].tail().head());
    return text ? print(from, term::binary(*text)) : term::tuple("error"_atom, "format"_atom);
  }
  if (e[0].is_atom("requests"_atom) && e.size() == 2 && e[1].is_proper_list()) {
    term outcome = "ok"_atom;
    for (const term& each : e[1].items()) {
      if (each.is_tagged("requests"_atom, 2)) return term::tuple("error"_atom, "request"_atom); // no depth
      outcome = answer(from, each);
    }
    return outcome;
  }
  if (e[0].is_atom("setopts"_atom)) return "ok"_atom;
  if (e[0].is_atom("get_geometry"_atom)) return term::tuple("error"_atom, "enotsup"_atom);
  if (e[0].is_atom("get_line"_atom) || e[0].is_atom("get_until"_atom) || e[0].is_atom("get_chars"_atom)) {
    return "eof"_atom;
  }
  return term::tuple("error"_atom, "request"_atom);
}

void user::handle_info(const term& message) {
  if (!message.is_tagged("io_request"_atom, 4)) return;
  const std::span<const term> e = message.elements();
  const std::optional<pid> from = e[1].as_pid();
  if (from) send(*from, term::tuple("io_reply"_atom, e[2], answer(*from, e[3])));
}

} // namespace coppice::dist::detail
