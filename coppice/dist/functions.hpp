// The functions of this node that processes of other nodes may run: what stands behind spawn/4 to a node,
// erpc and rpc. There is no code but what was added here, so nothing else can be asked for.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/task.hpp"
#include "coppice/term/term.hpp"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::dist {

/// A call of a function by another node.
struct function_call {
  function_call() = default;
  /// The arity is that of the arguments, whatever `called` says.
  function_call(mfa called, std::vector<term> with, pid by = {}, pid leader = {})
      : function(std::move(called)), arguments(std::move(with)), caller(by), group_leader(leader) {
    function.arity = static_cast<std::uint32_t>(arguments.size());
  }
  mfa function;                ///< which function
  std::vector<term> arguments; ///< as many as its arity
  pid caller;                  ///< who asked for it; none if that is not known
  pid group_leader;            ///< of the process that runs it; none: that of whoever spawns it
};

/// What runs a call, in a process of its own: it may use `self_pid()`, wait and receive. Its result, or its
/// end, is told to the caller. Called from several processes at once.
using function = std::function<task<term>(function_call)>;
/// The same for what need not wait.
using plain_function = std::function<term(const function_call&)>;

/// Thrown by a function to end its call as Erlang's `error/1` and `throw/1` do; `coppice::exit` stands for
/// `exit/1`. Any other C++ exception is an error too: `{'Type', <<"what">>}`.
class raised : public std::exception {
public:
  /// Which of Erlang's classes of exceptions.
  enum class kind : std::uint8_t { error, thrown };

  /// To be thrown.
  raised(kind how, term value) : kind_(how), value_(std::move(value)) {}
  /// `error` or `thrown`.
  [[nodiscard]] kind how() const noexcept { return kind_; }
  /// The reason, or what was thrown.
  [[nodiscard]] const term& value() const noexcept { return value_; }
  /// Always the same text: the reason is a term.
  [[nodiscard]] const char* what() const noexcept override { return "raised in a function for another node"; }

private:
  kind kind_;
  term value_;
};

/// Ends the call with that error (Erlang: `error/1`): the caller sees it with the function and its arguments.
[[noreturn]] void raise_error(term reason);

/// What other nodes may run. Filled before the node is distributed, read by all processes afterwards.
class function_table {
public:
  function_table() = default;
  function_table(const function_table&) = delete; ///< its functions may know where it is
  function_table& operator=(const function_table&) = delete;

  /// @{
  /// Adds a function; one that is there already is replaced. In the module `''` it is one of every module, as
  /// `module_info/1` is.
  void add(const atom& module, const atom& name, std::uint8_t arity, function f);
  void add(const atom& module, const atom& name, std::uint8_t arity, plain_function f);
  /// @}
  /// What runs it, or null. Constant time.
  [[nodiscard]] const function* find(const mfa& which) const noexcept;
  /// Whether it was added by that very name (Erlang: `erlang:function_exported/3`).
  [[nodiscard]] bool exported(const mfa& which) const noexcept { return functions_.contains(which); }
  /// Whether a module has a function here. Constant time.
  [[nodiscard]] bool has_module(const atom& module) const noexcept { return modules_.contains(module); }
  /// All of them, in no order.
  [[nodiscard]] std::vector<mfa> all() const;
  /// The functions of a module, in the order of their names. Linear in the size of the table.
  [[nodiscard]] std::vector<mfa> functions_of(const atom& module) const;

private:
  struct hash {
    std::size_t operator()(const mfa& f) const noexcept {
      return coppice::detail::mix(f.module.hash() ^ (f.function.hash() << 1U) ^ f.arity);
    }
  };
  std::unordered_map<mfa, function, hash> functions_;
  std::unordered_map<atom, std::size_t> modules_; ///< how many functions each has
};

} // namespace coppice::dist

namespace coppice {
/// Immutable once processes share it.
template <>
struct enable_sendable<dist::function_table> {
  static constexpr bool value = true;
};
} // namespace coppice

namespace coppice::dist {

/// What a process does that another node has asked for by a request to spawn:
///
/// - `erpc:execute_call(Res, M, F, A)` calls the function and ends with `{Res, return, Value}`,
///   `{Res, throw, Value}`, `{Res, exit, Reason}` or `{Res, error, Reason, Stack}`, which its monitor
///   carries;
/// - `erpc:execute_cast(M, F, A)` calls it and tells nobody;
/// - any other function is called; the process ends with `normal`, the reason of its exit, or
///   `{Reason, Stack}` of an error.
///
/// What is not in the table is `undef`; `apply/2,3` are what they apply, but funs cannot be called here. None
/// of this is reported as a crash, but for C++ exceptions of functions for which no caller waits.
process run_spawned(self me, std::shared_ptr<const function_table> table, function_call call);

/// Calls a function for a caller of the server `rex`: the value or what was thrown, else
/// `{badrpc, {'EXIT', Why}}`.
task<term> evaluate_rpc(std::shared_ptr<const function_table> table, function_call call);

} // namespace coppice::dist
