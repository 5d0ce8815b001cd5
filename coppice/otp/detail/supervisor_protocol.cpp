#include "coppice/otp/detail/supervisor_protocol.hpp"

#include "coppice/otp/detail/child_starter.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace coppice {

using namespace literals;

namespace {

constexpr std::array plain_errors = {supervisor_error::already_present,    supervisor_error::running,
                                     supervisor_error::restarting,         supervisor_error::not_found,
                                     supervisor_error::simple_one_for_one, supervisor_error::no_answer};

atom restart_atom(restart r) {
  switch (r) {
  case restart::permanent: return "permanent"_atom;
  case restart::transient: return "transient"_atom;
  case restart::temporary: break;
  }
  return "temporary"_atom;
}

atom type_atom(child_type t) { return t == child_type::supervisor ? "supervisor"_atom : "worker"_atom; }

term modules_as_term(const std::vector<std::string>& modules) {
  std::vector<term> all;
  all.reserve(modules.size());
  for (const std::string& m : modules) all.emplace_back(atom(m));
  return term::list_from(std::move(all));
}

std::vector<std::string> read_modules(const term& t) {
  std::vector<std::string> all;
  for (const term& m : t.items()) {
    if (auto name = m.as_atom()) all.emplace_back(name->name());
  }
  return all;
}

term shutdown_as_term(const child_spec& spec) {
  if (!spec.shutdown) return spec.type == child_type::supervisor ? term("infinity"_atom) : term(5000);
  if (spec.shutdown->is_brutal_kill()) return "brutal_kill"_atom;
  if (spec.shutdown->is_infinity()) return "infinity"_atom;
  return static_cast<std::int64_t>(spec.shutdown->wait().count());
}

/// Module, function and arguments that another node would start with.
class foreign_starter final : public child_starter {
public:
  explicit foreign_starter(term call) : call_(std::move(call)) {}
  [[nodiscard]] const term& call() const noexcept { return call_; }
  detail::start_begun begin(const child_args& /*extra*/) const override {
    exit(exit_reason(term::tuple("cannot_start_here"_atom, call_)));
  }

private:
  term call_;
};

term start_as_term(const child_spec& spec) {
  if (const auto* foreign = dynamic_cast<const foreign_starter*>(spec.start.get())) return foreign->call();
  const atom module = spec.modules.empty() ? "undefined"_atom : atom(spec.modules.front());
  return term::tuple(module, "start_link"_atom, term());
}

bool is_start(const term& t) {
  return t.is_tuple(3) && t.elements()[0].is_atom() && t.elements()[1].is_atom() && t.elements()[2].is_list();
}

/// The old form of a specification, a tuple, as the map that it stands for.
term spec_as_map(const term& t) {
  if (!t.is_tuple(6)) return t;
  const auto e = t.elements();
  return term::map({{"id"_atom, e[0]},
                    {"start"_atom, e[1]},
                    {"restart"_atom, e[2]},
                    {"shutdown"_atom, e[3]},
                    {"type"_atom, e[4]},
                    {"modules"_atom, e[5]}});
}

bool is_one_of(const term& t, std::initializer_list<atom> all) {
  return std::ranges::any_of(all, [&t](const atom& one) { return t.is_atom(one); });
}

/// What OTP's `check_childspec` says of the modules.
std::optional<term> fault_of_modules(const term& t) {
  if (t.is_atom("dynamic"_atom)) return std::nullopt;
  if (!t.is_proper_list()) return term::tuple("invalid_modules"_atom, t);
  for (const term& module : t.items()) {
    if (!module.is_atom()) return term::tuple("invalid_module"_atom, module);
  }
  return std::nullopt;
}

/// What OTP's `check_childspec` says of a specification, in its order.
std::optional<term> fault_of(const term& spec) {
  if (!spec.is_map()) return term::tuple("invalid_child_spec"_atom, spec);
  if (spec.find("id"_atom) == nullptr) return "missing_id"_atom;
  const term* start = spec.find("start"_atom);
  if (start == nullptr) return "missing_start"_atom;
  if (!is_start(*start)) return term::tuple("invalid_mfa"_atom, *start);
  const term* restart = spec.find("restart"_atom);
  if (restart != nullptr && !is_one_of(*restart, {"permanent"_atom, "transient"_atom, "temporary"_atom})) {
    return term::tuple("invalid_restart_type"_atom, *restart);
  }
  const term* significant = spec.find("significant"_atom);
  if (significant != nullptr && !significant->as_bool()) {
    return term::tuple("invalid_significant"_atom, *significant);
  }
  const term* type = spec.find("type"_atom);
  if (type != nullptr && !is_one_of(*type, {"worker"_atom, "supervisor"_atom})) {
    return term::tuple("invalid_child_type"_atom, *type);
  }
  const term* shutdown = spec.find("shutdown"_atom);
  if (shutdown != nullptr && !is_one_of(*shutdown, {"infinity"_atom, "brutal_kill"_atom}) &&
      shutdown->as_int64().value_or(-1) < 0) {
    return term::tuple("invalid_shutdown"_atom, *shutdown);
  }
  const term* modules = spec.find("modules"_atom);
  return modules == nullptr ? std::nullopt : fault_of_modules(*modules);
}

/// Whether OTP says so of a specification, and not of a start.
bool is_spec_fault(const term& why) {
  if (is_one_of(why, {"missing_id"_atom, "missing_start"_atom})) return true;
  if (!why.is_tuple(2) || !why.elements()[0].is_atom()) return false;
  return is_one_of(why.elements()[0],
                   {"invalid_child_spec"_atom, "invalid_mfa"_atom, "invalid_restart_type"_atom,
                    "invalid_significant"_atom, "bad_combination"_atom, "invalid_child_type"_atom,
                    "invalid_shutdown"_atom, "invalid_modules"_atom, "invalid_module"_atom});
}

} // namespace

term child_error::as_term() const {
  switch (what) {
  case supervisor_error::already_started: return term::tuple("already_started"_atom, process);
  case supervisor_error::start_failed:
  case supervisor_error::bad_child_spec: return reason.value();
  default: return atom(to_string(what));
  }
}

child_error child_error::from_term(const term& t) {
  if (t.is_tagged("already_started"_atom, 2) && t.elements()[1].is_pid()) {
    return {supervisor_error::already_started, *t.elements()[1].as_pid(), exit_reason()};
  }
  for (supervisor_error e : plain_errors) {
    if (t.is_atom(atom(to_string(e)))) return {e, {}, exit_reason()};
  }
  if (is_spec_fault(t)) return {supervisor_error::bad_child_spec, {}, exit_reason(t)};
  // Of a new child OTP says `{Why, Child}`, the latter being its own record of nine elements.
  const bool with_child = t.is_tuple(2) && t.elements()[1].is_tagged("child"_atom, 9);
  return {supervisor_error::start_failed, {}, exit_reason(with_child ? t.elements()[0] : t)};
}

namespace detail {

bool is_error_reply(const term& t) { return t.is_tagged("error"_atom, 2); }

// --- replies as terms ---

term reply_as_term(const pid& child) {
  return term::tuple("ok"_atom, child ? term(child) : term("undefined"_atom));
}

term reply_as_term(const ok&) { return "ok"_atom; }

term reply_as_term(const std::vector<child_info>& children) {
  std::vector<term> all;
  all.reserve(children.size());
  for (const child_info& c : children) {
    term child = c.restarting ? term("restarting"_atom) : c.pid ? term(c.pid) : term("undefined"_atom);
    all.push_back(
        term::tuple(c.id.value_or("undefined"_atom), child, type_atom(c.type), modules_as_term(c.modules)));
  }
  return term::list_from(std::move(all));
}

term reply_as_term(const child_counts& n) {
  return term::list(term::tuple("specs"_atom, n.specs), term::tuple("active"_atom, n.active),
                    term::tuple("supervisors"_atom, n.supervisors), term::tuple("workers"_atom, n.workers));
}

term reply_as_term(const child_spec& spec) { return term::tuple("ok"_atom, to_term(spec)); }

// --- and back ---

std::expected<void, decode_error> read_reply_term(const term& t, pid& into) {
  // `{ok, Pid, Info}`: the information is of no use here.
  if (!t.is_tagged("ok"_atom, 2) && !t.is_tagged("ok"_atom, 3)) {
    return std::unexpected(mismatch("{ok, Child} or {ok, Child, Info}", t));
  }
  into = t.elements()[1].as_pid().value_or(pid());
  return {};
}

std::expected<void, decode_error> read_reply_term(const term& t, ok&) {
  if (!t.is_atom("ok"_atom)) return std::unexpected(mismatch("ok", t));
  return {};
}

std::expected<void, decode_error> read_reply_term(const term& t, std::vector<child_info>& into) {
  if (!t.is_proper_list()) return std::unexpected(mismatch("a list of children", t));
  for (const term& row : t.items()) {
    if (!row.is_tuple(4)) return std::unexpected(mismatch("{Id, Child, Type, Modules}", row));
    const auto e = row.elements();
    child_info c;
    if (!e[0].is_atom("undefined"_atom)) c.id = e[0];
    c.pid = e[1].as_pid().value_or(pid());
    c.restarting = e[1].is_atom("restarting"_atom);
    if (e[2].is_atom("supervisor"_atom)) c.type = child_type::supervisor;
    c.modules = read_modules(e[3]);
    into.push_back(std::move(c));
  }
  return {};
}

std::expected<void, decode_error> read_reply_term(const term& t, child_counts& into) {
  auto take = [&t](const atom& key, std::size_t& field) {
    for (const term& entry : t.items()) {
      if (entry.is_tagged(key, 2))
        field = static_cast<std::size_t>(entry.elements()[1].as_int64().value_or(0));
    }
  };
  if (!t.is_list()) return std::unexpected(mismatch("a list of counts", t));
  take("specs"_atom, into.specs);
  take("active"_atom, into.active);
  take("supervisors"_atom, into.supervisors);
  take("workers"_atom, into.workers);
  return {};
}

std::expected<void, decode_error> read_reply_term(const term& t, child_spec& into) {
  if (!t.is_tagged("ok"_atom, 2)) return std::unexpected(mismatch("{ok, ChildSpec}", t));
  auto spec = from_term<child_spec>(t.elements()[1]);
  if (!spec) return std::unexpected(spec.error());
  into = std::move(*spec);
  return {};
}

} // namespace detail

term describe<child_spec>::to(const child_spec& spec) {
  return term::map({{"id"_atom, spec.id},
                    {"start"_atom, start_as_term(spec)},
                    {"restart"_atom, restart_atom(spec.restart)},
                    {"significant"_atom, spec.significant},
                    {"shutdown"_atom, shutdown_as_term(spec)},
                    {"type"_atom, type_atom(spec.type)},
                    {"modules"_atom, modules_as_term(spec.modules)}});
}

std::expected<child_spec, decode_error> describe<child_spec>::from(const term& t) {
  const term* id = t.find("id"_atom);
  if (id == nullptr) return std::unexpected(mismatch("a child specification: a map with `id`", t));
  child_spec spec;
  spec.id = *id;
  if (const term* start = t.find("start"_atom); start != nullptr && is_start(*start)) {
    spec.start = std::make_shared<const foreign_starter>(*start);
  }
  if (const term* when = t.find("restart"_atom)) {
    for (restart r : {restart::transient, restart::temporary}) {
      if (when->is_atom(restart_atom(r))) spec.restart = r;
    }
  }
  if (const term* s = t.find("significant"_atom)) spec.significant = s->as_bool().value_or(false);
  if (const term* s = t.find("type"_atom); s != nullptr && s->is_atom("supervisor"_atom)) {
    spec.type = child_type::supervisor;
  }
  if (const term* s = t.find("shutdown"_atom)) {
    if (auto ms = s->as_int64()) spec.shutdown = child_shutdown(std::chrono::milliseconds(*ms));
    if (s->is_atom("infinity"_atom)) spec.shutdown = child_shutdown::infinity();
    if (s->is_atom("brutal_kill"_atom)) spec.shutdown = child_shutdown::brutal_kill();
  }
  if (const term* m = t.find("modules"_atom)) spec.modules = read_modules(*m);
  return spec;
}

term describe<detail::asked::start_child>::to(const detail::asked::start_child& r) {
  return term::tuple("start_child"_atom, to_term(r.spec));
}

std::expected<detail::asked::start_child, decode_error>
describe<detail::asked::start_child>::from(const term& t) {
  if (!t.is_tagged("start_child"_atom, 2) || t.elements()[1].is_proper_list()) {
    return std::unexpected(mismatch("{start_child, ChildSpec}", t));
  }
  const term map = spec_as_map(t.elements()[1]);
  if (auto fault = fault_of(map)) return detail::asked::start_child{{}, std::move(fault)};
  auto spec = from_term<child_spec>(map);
  if (!spec) return std::unexpected(std::move(spec.error()));
  return detail::asked::start_child{std::move(*spec)};
}

term describe<detail::asked::start_dynamic>::to(const detail::asked::start_dynamic& r) {
  return term::tuple("start_child"_atom, r.args == nullptr ? term() : r.args->terms());
}

std::expected<detail::asked::start_dynamic, decode_error>
describe<detail::asked::start_dynamic>::from(const term& t) {
  if (!t.is_tagged("start_child"_atom, 2) || !t.elements()[1].is_proper_list()) {
    return std::unexpected(mismatch("{start_child, Arguments}", t));
  }
  const term& list = t.elements()[1];
  if (list.is_nil()) return detail::asked::start_dynamic{};
  return detail::asked::start_dynamic{std::make_shared<const detail::foreign_arguments>(list)};
}

} // namespace coppice
