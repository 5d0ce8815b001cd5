#include "coppice/dist/remote_shell.hpp"

#include "coppice/dist/detail/io_text.hpp"
#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/detail/shell_line.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/dist/function_arguments.hpp"
#include "coppice/dist/process_items.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <map>
#include <optional>
#include <utility>

namespace coppice::dist {

using namespace literals;
using detail::shell_expression;
using detail::shell_line;

namespace {

using shared_table = std::shared_ptr<const function_table>;

constexpr std::string_view help_text =
    R"(Calls:      Module:Function(Argument, ...).   the module erlang need not be said
Terms:      {any, [1, "term"], <<"of">>, 'Erlang', #{but => funs}}.
Variables:  Name = Call.   Name alone stands for an argument.
At hand:    nodes(). node(). registered(). processes(). memory(). whereis(Name).
            process_info(Pid). sys:get_state(Server). sys:get_status(Server).
            supervisor:which_children(Server). supervisor:count_children(Server).
            gen_server:call(Server, Term). gen_server:cast(Server, Term).
            send(Pid, Term). exit(Pid, Reason).
            i().  the processes   b().  the variables   m(Module).  its functions
            q().  ends this shell, as ^G q ends it with your node; ours runs on
)";

// --- what the shell has beside the node's functions ---

/// A pid, a name, or `{Name, Node}`.
server_name server_of(const term& whom) {
  if (const auto process = whom.as_pid()) return *process;
  if (const auto name = whom.as_atom()) return *name;
  if (whom.is_tuple(2) && whom.elements()[0].is_atom() && whom.elements()[1].is_atom()) {
    return remote_name{*whom.elements()[0].as_atom(), *whom.elements()[1].as_atom()};
  }
  raise_error("badarg"_atom);
}

task<term> call_server(function_call call) {
  server_name whom = server_of(call.arguments[0]);
  const duration timeout = call.arguments.size() > 2 ? timeout_argument(call, 2) : default_call_timeout;
  std::expected<term, exit_reason> reply =
      co_await try_call_any<term>(std::move(whom), term(call.arguments[1]), timeout);
  if (!reply) {
    exit(exit_reason(term::tuple(reply.error().value(),
                                 term::tuple("gen_server"_atom, "call"_atom,
                                             term::list_from(std::span<const term>(call.arguments))))));
  }
  co_return std::move(*reply);
}

term cast_to_server(const function_call& call) {
  cast_any(server_of(call.arguments[0]), term(call.arguments[1]));
  return "ok"_atom;
}

term send_message(const function_call& call) {
  if (const std::optional<pid> to = server_of(call.arguments[0]).resolve()) send(*to, call.arguments[1]);
  return call.arguments[1];
}

term exit_process(const function_call& call) {
  exit(pid_argument(call, 0), exit_reason(call.arguments[1]));
  return true;
}

shared_table functions_of_shells() {
  static const shared_table table = [] {
    auto made = std::make_shared<function_table>();
    made->add("gen_server"_atom, "call"_atom, 2, call_server);
    made->add("gen_server"_atom, "call"_atom, 3, call_server);
    made->add("gen_server"_atom, "cast"_atom, 2, cast_to_server);
    made->add("erlang"_atom, "send"_atom, 2, send_message);
    made->add("erlang"_atom, "exit"_atom, 2, exit_process);
    return made;
  }();
  return table;
}

shared_table functions_of_node() {
  const detail::network* net = detail::network_of(this_node());
  return net == nullptr ? nullptr : net->functions();
}

// --- the shell ---

/// What has become of an expression.
struct outcome {
  std::optional<term> value; ///< none: `text` says why
  std::string text;
};

class shell {
public:
  shell(self me, pid leader) : me_(me), leader_(leader), leader_watch_(monitor(leader)) {}

  task<> run();

private:
  static constexpr std::size_t most_typed = std::size_t{1} << 20; ///< bytes of one line
  static constexpr std::size_t most_shown = std::size_t{64} << 10;
  static constexpr std::size_t most_variables = 1000;
  static constexpr std::size_t most_rows = 1000;

  task<std::optional<term>> request(term what);
  task<> print(std::string text);
  task<std::optional<std::string>> read_line(std::size_t number);
  task<std::optional<std::string>> read_piece(std::string prompt);
  task<> obey(std::string typed);
  task<outcome> evaluate(const shell_expression* what);
  task<outcome> call(mfa which, std::vector<term> arguments);
  task<down> end_of(monitored evaluator);
  std::optional<std::string> own_command(const shell_expression& asked);
  [[nodiscard]] std::string variables() const;
  [[nodiscard]] static std::string processes();

  self me_;
  pid leader_;
  reference leader_watch_;
  std::map<std::string, term> variables_;
  bool over_ = false;
  bool interrupted_ = false;
};

/// The answer of the group leader; nothing when it has gone.
task<std::optional<term>> shell::request(term what) {
  const reference ref = make_ref();
  send(leader_, term::tuple("io_request"_atom, me_.id(), ref, std::move(what)));
  struct {
    reference ref, watch;
    pid leader;
    bool operator()(const term& t) const {
      return t.is_tagged("io_reply"_atom, 3) && t.elements()[1] == term(ref);
    }
    bool operator()(const down& d) const { return d.ref == watch; }
    bool operator()(const coppice::exit_signal& e) const {
      return e.from == leader && e.reason != exit_reason("interrupt"_atom);
    }
  } const ours{ref, leader_watch_, leader_};
  std::variant<down, coppice::exit_signal, term> got =
      co_await me_.receive_if<down, coppice::exit_signal, term>(ours);
  if (const auto* reply = std::get_if<term>(&got)) co_return reply->elements()[2];
  over_ = true;
  co_return std::nullopt;
}

task<> shell::print(std::string text) {
  co_await request(term::tuple("put_chars"_atom, "unicode"_atom, term::binary(text)));
}

/// One line of the terminal; nothing at its end, or when what was typed has been thrown away.
task<std::optional<std::string>> shell::read_piece(std::string prompt) {
  std::optional<term> got =
      co_await request(term::tuple("get_line"_atom, "unicode"_atom, term::charlist(prompt)));
  if (!got) co_return std::nullopt;
  std::string text;
  if (detail::append_text(*got, text)) co_return text;
  interrupted_ = got->is_tuple(2) && got->elements()[1].is_atom("interrupted"_atom);
  if (!interrupted_) over_ = true; // eof, or a leader that cannot be read from
  co_return std::nullopt;
}

/// What is typed up to a full stop.
task<std::optional<std::string>> shell::read_line(std::size_t number) {
  const std::string prompt = fmt::format("({}){}> ", node_name().name(), number);
  std::string typed;
  do {
    std::optional<std::string> piece = co_await read_piece(prompt);
    if (!piece) co_return std::nullopt;
    typed += *piece;
    if (typed.size() > most_typed) {
      co_await print("** a line has at most a mebibyte\n");
      co_return std::nullopt;
    }
  } while (!detail::is_whole_shell_line(typed));
  co_return typed;
}

/// What the evaluating process ends with. The terminal's ^C ends it before its time.
task<down> shell::end_of(monitored evaluator) {
  struct {
    reference ref, watch;
    pid leader;
    bool operator()(const down& d) const { return d.ref == ref || d.ref == watch; }
    bool operator()(const coppice::exit_signal& e) const { return e.from == leader; }
  } const ours{evaluator.ref, leader_watch_, leader_};
  for (;;) {
    std::variant<down, coppice::exit_signal> got = co_await me_.receive_if<down, coppice::exit_signal>(ours);
    const auto* gone = std::get_if<down>(&got);
    if (gone != nullptr && gone->ref == evaluator.ref) co_return *gone;
    over_ = over_ || gone != nullptr ||
            std::get<coppice::exit_signal>(got).reason != exit_reason("interrupt"_atom);
    exit(evaluator.process, exit_reason::kill());
  }
}

std::string undefined_or(const term& error, const mfa& which) {
  if (!error.is_atom("undef"_atom)) return to_string(error, {.limit = 4096});
  return fmt::format("undefined function {}:{}/{}", term(which.module), term(which.function), which.arity);
}

/// Runs a function in a process of its own, as for another node.
task<outcome> shell::call(mfa which, std::vector<term> arguments) {
  if (which.module.name().empty()) which.module = "erlang"_atom;
  if (which == mfa{"erlang"_atom, "self"_atom, 0}) co_return outcome{me_.id(), ""};
  shared_table table = functions_of_shells();
  if (table->find(which) == nullptr) table = functions_of_node();
  if (table == nullptr) co_return outcome{std::nullopt, "** this node is not distributed\n"};
  function_call asked({"erpc"_atom, "execute_call"_atom, 0},
                      {"shell"_atom, which.module, which.function, term::list_from(std::move(arguments))},
                      me_.id(), leader_);
  const monitored evaluator = spawn_monitor(&run_spawned, std::move(table), std::move(asked));
  const down gone = co_await end_of(evaluator);
  const term ended = gone.reason.value();
  const bool told = ended.is_tuple() && ended.size() >= 3 && ended.elements()[0].is_atom("shell"_atom);
  if (!told) co_return outcome{std::nullopt, fmt::format("** exception exit: {:.4096}\n", ended)};
  const term& how = ended.elements()[1];
  const term& value = ended.elements()[2];
  if (how.is_atom("return"_atom)) co_return outcome{value, ""};
  co_return outcome{std::nullopt, fmt::format("** exception {}: {}\n", how, undefined_or(value, which))};
}

task<outcome> shell::evaluate(const shell_expression* what) {
  if (what->what == shell_expression::kind::value) co_return outcome{what->value, ""};
  if (what->what == shell_expression::kind::variable) {
    const auto found = variables_.find(what->variable);
    if (found != variables_.end()) co_return outcome{found->second, ""};
    co_return outcome{std::nullopt, fmt::format("** variable '{}' is unbound\n", what->variable)};
  }
  std::vector<term> arguments;
  arguments.reserve(what->arguments.size());
  for (const shell_expression& each : what->arguments) {
    outcome got = co_await evaluate(&each);
    if (!got.value) co_return got;
    arguments.push_back(std::move(*got.value));
  }
  co_return co_await call(what->function, std::move(arguments));
}

std::string shell::variables() const {
  std::string text;
  for (const auto& [name, value] : variables_) text += fmt::format("{} = {:.200}\n", name, value);
  return text + "ok\n";
}

std::string shell::processes() {
  std::string text = fmt::format("{:<16} {:<28} {:<12} {:>8} {:>14}\n", "Pid", "Name or label", "Behaviour",
                                 "Messages", "Reductions");
  std::size_t rows = 0;
  for (const pid& each : live_processes()) {
    const std::optional<process_summary> seen = this_node().summary(each);
    if (!seen) continue;
    if (++rows > most_rows) return text + "...\n";
    const std::string name =
        seen->registered_name.empty() ? seen->label : std::string(seen->registered_name.name());
    text += fmt::format("{:<16} {:<28} {:<12} {:>8} {:>14}\n", to_string(term(each)), name.substr(0, 28),
                        seen->behaviour, seen->message_queue_len, seen->reductions);
  }
  return text;
}

std::string functions_in(const atom& module) {
  std::string text;
  for (const shared_table& table : {functions_of_shells(), functions_of_node()}) {
    if (table == nullptr) continue;
    for (const mfa& f : table->functions_of(module)) {
      text += fmt::format("{}:{}/{}\n", term(f.module), term(f.function), f.arity);
    }
  }
  return text.empty() ? fmt::format("there is no function of {} here\n", term(module)) : text;
}

/// What the shell itself answers; nothing if it is none of that.
std::optional<std::string> shell::own_command(const shell_expression& asked) {
  if (asked.what != shell_expression::kind::call || !asked.function.module.name().empty())
    return std::nullopt;
  const std::string_view name = asked.function.function.name();
  if (asked.arguments.size() == 1 && name == "m" && asked.arguments[0].value.is_atom()) {
    return functions_in(*asked.arguments[0].value.as_atom());
  }
  if (!asked.arguments.empty()) return std::nullopt;
  if (name == "help" || name == "h") return std::string(help_text);
  if (name == "i") return processes();
  if (name == "b") return variables();
  if (name != "q" && name != "exit") return std::nullopt;
  over_ = true;
  return "ok\n";
}

task<> shell::obey(std::string typed) {
  const std::expected<shell_line, std::string> line = detail::parse_shell_line(typed);
  if (!line) {
    co_await print(fmt::format("* {}\n", line.error()));
    co_return;
  }
  std::optional<std::string> own = line->binds.empty() ? own_command(line->asked) : std::nullopt;
  if (own) {
    co_await print(std::move(*own));
    co_return;
  }
  outcome result = co_await evaluate(&line->asked);
  if (result.value && !line->binds.empty()) {
    if (variables_.size() < most_variables || variables_.contains(line->binds)) {
      variables_[line->binds] = *result.value;
    } else {
      result = {std::nullopt, "** there are too many variables\n"};
    }
  }
  std::string text = result.value ? to_string(*result.value, {.limit = most_shown, .unicode = true}) + "\n"
                                  : std::move(result.text);
  co_await print(std::move(text));
}

task<> shell::run() {
  co_await print(
      fmt::format("Coppice {} (help(). tells what can be typed, ^G what else)\n", COPPICE_VERSION));
  for (std::size_t number = 1; !over_;) {
    std::optional<std::string> typed = co_await read_line(number);
    if (!typed) continue; // it is over, or thrown away
    co_await obey(std::move(*typed));
    ++number;
  }
}

process run_shell(self me) {
  trap_exit(true);
  auto mine = std::make_unique<shell>(me, group_leader());
  co_await mine->run();
}

term start_shell(const function_call&) {
  if (!group_leader()) raise_error("badarg"_atom); // there is nobody to read from
  return spawn_opt(spawn_options{.label = "shell"}, &run_shell).process;
}

// --- the tab key ---

/// What all of them begin with.
std::string common_beginning(const std::vector<std::string>& all) {
  std::string common = all.front();
  for (const std::string& each : all) {
    const auto [end, other] = std::ranges::mismatch(common, each);
    common.erase(end, common.end());
  }
  return common;
}

/// `{yes|no, WhatToAdd, []}` for what stands before the cursor, which comes backwards.
term expand(const function_table& table, const function_call& call) {
  std::string before;
  if (!detail::append_text(call.arguments[0], before)) raise_error("badarg"_atom);
  std::ranges::reverse(before);
  const std::size_t begin = before.find_last_not_of("abcdefghijklmnopqrstuvwxyz0123456789_:") + 1;
  const std::string word = before.substr(begin);
  const std::size_t colon = word.find(':');
  std::vector<std::string> matches;
  for (const function_table* each : {&table, functions_of_shells().get()}) {
    for (const mfa& f : each->all()) {
      std::string written(f.module.name());
      written += ':';
      if (colon != std::string::npos) written += std::string(f.function.name()) + "(";
      if (!f.module.name().empty() && written.starts_with(word)) matches.push_back(std::move(written));
    }
  }
  const std::string added =
      matches.empty() || word.empty() ? "" : common_beginning(matches).substr(word.size());
  return term::tuple(added.empty() ? "no"_atom : "yes"_atom, term::charlist(added), term());
}

} // namespace

void add_remote_shell(function_table& table) {
  for (std::uint8_t arity = 0; arity <= 2; ++arity) table.add("shell"_atom, "start"_atom, arity, start_shell);
  table.add("edlin_expand"_atom, "expand"_atom, 1,
            [&table](const function_call& c) { return expand(table, c); });
}

} // namespace coppice::dist
