#include "coppice/dist/functions.hpp"

#include "coppice/term/text.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <optional>
#include <tuple>

namespace coppice::dist {

using namespace literals;

namespace {

task<term> run_plain(std::shared_ptr<const plain_function> f, function_call call) { co_return (*f)(call); }

/// `[{M, F, Args, []}]`: what OTP shows of a call that could not be made.
term stack_of(const function_call& call) {
  return term::list(term::tuple(call.function.module, call.function.function,
                                term::list_from(std::span<const term>(call.arguments)), term()));
}

/// How a call has ended.
struct evaluation {
  enum class way : std::uint8_t { returned, thrown, exited, failed };
  way how = way::returned;
  term value; ///< the result, what was thrown, or the reason
  term stack; ///< of failed
};

/// A list of arguments as a request has it; nothing if it is none, or longer than an arity can be.
std::optional<std::vector<term>> arguments_from(const term& list) {
  std::optional<std::size_t> length = list.length();
  if (!length || *length > UINT8_MAX) return std::nullopt;
  return std::vector<term>(list.items().begin(), list.items().end());
}

/// `M, F, Args` out of a request.
std::optional<function_call> call_from(const term& module, const term& name, const term& arguments,
                                       const function_call& request) {
  std::optional<std::vector<term>> all = arguments_from(arguments);
  if (!module.is_atom() || !name.is_atom() || !all) return std::nullopt;
  return function_call({*module.as_atom(), *name.as_atom(), 0}, std::move(*all), request.caller,
                       request.group_leader);
}

evaluation refused(term reason, term stack) {
  return {evaluation::way::failed, std::move(reason), std::move(stack)};
}

/// Takes `apply` off a call, as often as it stands there; gives why if that cannot be applied. The arity is
/// that of the arguments, which may have been added after the call was made.
std::optional<evaluation> unfold(function_call& call) {
  call.function.arity = static_cast<std::uint32_t>(call.arguments.size());
  while (call.function.module == "erlang"_atom && call.function.function == "apply"_atom) {
    std::optional<function_call> inner;
    if (call.arguments.size() == 3) {
      inner = call_from(call.arguments[0], call.arguments[1], call.arguments[2], call);
    } else if (call.arguments.size() == 2) {
      const term& fun = call.arguments[0];
      std::optional<std::vector<term>> with = arguments_from(call.arguments[1]);
      if (with && fun.is_export()) {
        const mfa which = *fun.as_export();
        if (which.arity != with->size()) {
          return refused(term::tuple("badarity"_atom, term::tuple(fun, call.arguments[1])), term());
        }
        inner = function_call(which, std::move(*with), call.caller, call.group_leader);
      } else if (with && fun.is_fun()) {
        return refused("undef"_atom, term::list(term::tuple(fun, call.arguments[1], term())));
      } else if (with) {
        return refused(term::tuple("badfun"_atom, fun), term());
      }
    } else {
      return refused("undef"_atom, stack_of(call));
    }
    if (!inner) return refused("badarg"_atom, stack_of(call));
    call = std::move(*inner);
  }
  return std::nullopt;
}

/// From the exception being handled.
evaluation evaluation_of_exception(const function_call& call) {
  try {
    throw;
  } catch (const raised& r) {
    if (r.how() == raised::kind::thrown) return {evaluation::way::thrown, r.value(), term()};
    return refused(r.value(), stack_of(call));
  } catch (const exit_exception& e) {
    return {evaluation::way::exited, e.reason().value(), term()};
  } catch (...) { // catch-all: told to the caller
    return refused(exit_reason::from_exception(std::current_exception()).value(), term());
  }
}

task<evaluation> evaluate(std::shared_ptr<const function_table> table, function_call call) {
  std::optional<evaluation> not_applied = unfold(call);
  if (not_applied) co_return std::move(*not_applied);
  const function* f = table->find(call.function);
  if (f == nullptr) co_return refused("undef"_atom, stack_of(call));
  evaluation result;
  try {
    task<term> running = (*f)(call);
    term value = co_await running;
    result.value = std::move(value);
  } catch (...) { // catch-all: told to the caller
    result = evaluation_of_exception(call);
  }
  co_return result;
}

/// What the process of `erpc:execute_call/4` ends with.
term erpc_answer(const term& res, evaluation e) {
  using way = evaluation::way;
  switch (e.how) {
  case way::returned: return term::tuple(res, "return"_atom, std::move(e.value));
  case way::thrown: return term::tuple(res, "throw"_atom, std::move(e.value));
  case way::exited: return term::tuple(res, "exit"_atom, std::move(e.value));
  case way::failed: break;
  }
  return term::tuple(res, "error"_atom, std::move(e.value), std::move(e.stack));
}

/// Runs a call whose caller waits for nothing: the end of the process is all that it sees.
task<> run_to_the_end(std::shared_ptr<const function_table> table, function_call call) {
  std::optional<evaluation> not_applied = unfold(call);
  if (not_applied) exit(exit_reason(term::tuple(not_applied->value, not_applied->stack)));
  const function* f = table->find(call.function);
  if (f == nullptr) exit(exit_reason(term::tuple("undef"_atom, stack_of(call))));
  std::optional<raised> error;
  try {
    task<term> running = (*f)(call);
    term value = co_await running;
  } catch (const raised& r) {
    error = r;
  }
  if (!error) co_return;
  term reason = error->value();
  if (error->how() == raised::kind::thrown) reason = term::tuple("nocatch"_atom, std::move(reason));
  exit(exit_reason(term::tuple(std::move(reason), stack_of(call))));
}

void name_after(const function_call& call) {
  set_label(fmt::format("{}:{}/{}", term(call.function.module), term(call.function.function),
                        call.arguments.size()));
}

bool is(const function_call& call, std::string_view name, std::size_t arity) {
  return call.function.module == "erpc"_atom && call.function.function.name() == name &&
         call.arguments.size() == arity;
}

} // namespace

void raise_error(term reason) { throw raised(raised::kind::error, std::move(reason)); }

void function_table::add(const atom& module, const atom& name, std::uint8_t arity, function f) {
  const bool added = functions_.insert_or_assign(mfa{module, name, arity}, std::move(f)).second;
  if (added) ++modules_[module];
}

void function_table::add(const atom& module, const atom& name, std::uint8_t arity, plain_function f) {
  add(module, name, arity, [kept = std::make_shared<const plain_function>(std::move(f))](function_call call) {
    return run_plain(kept, std::move(call));
  });
}

const function* function_table::find(const mfa& which) const noexcept {
  auto found = functions_.find(which);
  if (found == functions_.end()) found = functions_.find(mfa{atom(), which.function, which.arity});
  return found == functions_.end() ? nullptr : &found->second;
}

std::vector<mfa> function_table::all() const {
  std::vector<mfa> names;
  names.reserve(functions_.size());
  for (const auto& [which, f] : functions_) names.push_back(which);
  return names;
}

std::vector<mfa> function_table::functions_of(const atom& module) const {
  std::vector<mfa> all;
  for (const auto& [which, f] : functions_) {
    if (which.module == module) all.push_back(which);
  }
  std::ranges::sort(all, [](const mfa& a, const mfa& b) {
    return std::tie(a.function, a.arity) < std::tie(b.function, b.arity);
  });
  return all;
}

process run_spawned(self me, std::shared_ptr<const function_table> table, function_call call) {
  if (call.group_leader) set_group_leader(call.group_leader, me);
  const bool asked = is(call, "execute_call", 4);
  if (!asked && !is(call, "execute_cast", 3)) {
    name_after(call);
    co_await run_to_the_end(std::move(table), std::move(call));
    co_return;
  }
  const std::size_t first = asked ? 1 : 0;
  std::optional<function_call> inner =
      call_from(call.arguments[first], call.arguments[first + 1], call.arguments[first + 2], call);
  if (inner) name_after(*inner);
  if (!asked) {
    if (!inner) exit(exit_reason(term::tuple("badarg"_atom, stack_of(call))));
    co_await run_to_the_end(std::move(table), std::move(*inner));
    co_return;
  }
  const term res = call.arguments[0];
  evaluation result = refused("badarg"_atom, stack_of(call));
  if (inner) {
    evaluation evaluated = co_await evaluate(std::move(table), std::move(*inner));
    result = std::move(evaluated);
  }
  exit(exit_reason(erpc_answer(res, std::move(result))));
}

task<term> evaluate_rpc(std::shared_ptr<const function_table> table, function_call call) {
  evaluation e = co_await evaluate(std::move(table), std::move(call));
  if (e.how == evaluation::way::exited) {
    co_return term::tuple("badrpc"_atom, term::tuple("EXIT"_atom, std::move(e.value)));
  }
  if (e.how == evaluation::way::failed) {
    term why = term::tuple(std::move(e.value), std::move(e.stack));
    co_return term::tuple("badrpc"_atom, term::tuple("EXIT"_atom, std::move(why)));
  }
  co_return std::move(e.value);
}

} // namespace coppice::dist
