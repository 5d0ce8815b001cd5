// How a supervisor starts a child without knowing its type.
#pragma once

#include "coppice/otp/child_spec.hpp"
#include "coppice/otp/detail/behaviour.hpp"
#include "coppice/otp/start.hpp"
#include "coppice/runtime/message.hpp"
#include "coppice/runtime/task.hpp"
#include "coppice/term/type_name.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace coppice {

/// The arguments of `start_child(Sup, Args...)` with their types, or as terms from another node.
class start_arguments : public detail::pooled {
public:
  virtual ~start_arguments() = default;
  /// A hash of the types; 0: they are terms.
  [[nodiscard]] std::uint64_t types() const noexcept { return types_; }
  [[nodiscard]] virtual std::string names() const = 0;
  /// The list of them, as OTP's `start_child` takes it.
  [[nodiscard]] virtual term terms() const = 0;

protected:
  explicit start_arguments(std::uint64_t types) noexcept : types_(types) {}

private:
  std::uint64_t types_;
};

namespace detail {

template <class... T>
constexpr std::uint64_t types_hash() {
  return combine_hashes({sizeof...(T), type_hash<T>()...});
}
template <class... T>
std::string type_names() {
  std::string all;
  ((all += all.empty() ? "" : ", ", all += type_name<T>()), ...);
  return "(" + all + ")";
}

template <class... T>
class typed_arguments final : public start_arguments {
public:
  template <class... A>
  explicit typed_arguments(A&&... args)
      : start_arguments(types_hash<T...>()), values_(std::forward<A>(args)...) {}
  [[nodiscard]] std::string names() const override { return type_names<T...>(); }
  [[nodiscard]] term terms() const override {
    return std::apply([](const T&... value) { return term::list(value_to_term<T>(&value)...); }, values_);
  }
  [[nodiscard]] const std::tuple<T...>& values() const noexcept { return values_; }

private:
  std::tuple<T...> values_;
};

/// Those that another node has sent.
class foreign_arguments final : public start_arguments {
public:
  /// A proper list.
  explicit foreign_arguments(term list) : start_arguments(0), list_(std::move(list)) {}
  [[nodiscard]] std::string names() const override;
  [[nodiscard]] term terms() const override { return list_; }

private:
  term list_;
};

/// Ends a start whose arguments are not those that the child takes.
[[noreturn]] void wrong_arguments(const std::string& expected, const std::string& got);

/// Terms as arguments of the types that the child takes; what has its types already is left as it is.
template <class... T>
child_args with_types(const child_args& args) {
  if constexpr (sizeof...(T) > 0) {
    if (args == nullptr || args->types() != 0) return args;
    const term all = args->terms();
    if (all.length() != sizeof...(T)) wrong_arguments(type_names<T...>(), args->names());
    auto at = all.items().begin();
    std::tuple<std::optional<T>...> read{decode<T>(*at++)...}; // braces: in order
    return std::apply(
        [&args](auto&... one) -> child_args {
          if (!(one && ...)) wrong_arguments(type_names<T...>(), args->names());
          return std::make_shared<const typed_arguments<T...>>(std::move(*one)...);
        },
        read);
  } else {
    return args;
  }
}

template <class... T>
const std::tuple<T...>& arguments_as(const child_args& args) {
  if constexpr (sizeof...(T) == 0) {
    static constexpr std::tuple<> none;
    if (args != nullptr) wrong_arguments("()", args->names());
    return none;
  } else {
    if (args == nullptr) wrong_arguments(type_names<T...>(), "()");
    if (args->types() != types_hash<T...>()) wrong_arguments(type_names<T...>(), args->names());
    return static_cast<const typed_arguments<T...>&>(*args).values();
  }
}

/// A start under way.
struct start_begun {
  pid process;
  std::uint64_t tag = 0;       ///< of the completion that tells the outcome; 0: it is up already
  duration timeout = infinity; ///< for the outcome
};

/// Starts a behaviour linked to the running process, which gets the outcome as a completion.
start_begun begin_start(std::unique_ptr<gen_process> program, const start_options& options);

} // namespace detail

/// What a child specification holds: starts the child linked to the running process, any number of times.
/// Immutable, so that one may be used by several supervisors at once. What it throws fails the start.
class child_starter {
public:
  virtual ~child_starter() = default;
  virtual detail::start_begun begin(const child_args& extra) const = 0;
  /// A start by a coroutine in the supervisor's own process, instead of `begin`.
  [[nodiscard]] virtual std::optional<task<std::expected<pid, exit_reason>>> run() const {
    return std::nullopt;
  }
};

namespace detail {

/// Starts a behaviour: with the arguments that the specification keeps, then those of start_child.
template <class S, class Extra, class... Args>
class behaviour_starter;
template <class S, class... Extra, class... Args>
class behaviour_starter<S, std::tuple<Extra...>, Args...> final : public child_starter {
public:
  template <class... A>
  explicit behaviour_starter(start_options options, A&&... args)
      : options_(std::move(options)), args_(std::forward<A>(args)...) {}

  start_begun begin(const child_args& extra) const override {
    auto make = [](const auto&... a) { return behaviour_of<S>::process::make(a...); };
    const child_args typed = with_types<Extra...>(extra);
    return begin_start(std::apply(make, std::tuple_cat(tied(args_), tied(arguments_as<Extra...>(typed)))),
                       options_);
  }

private:
  template <class... T>
  static std::tuple<const T&...> tied(const std::tuple<T...>& all) {
    return std::apply([](const T&... a) { return std::tuple<const T&...>(a...); }, all);
  }

  start_options options_;
  std::tuple<Args...> args_;
};

/// Starts a plain process; it is up at once.
template <class F, class... Args>
class process_starter final : public child_starter {
public:
  template <class... A>
  explicit process_starter(F function, A&&... args) : function_(function), args_(std::forward<A>(args)...) {}

  start_begun begin(const child_args& extra) const override {
    (void)arguments_as<>(extra);
    return {std::apply([this](const Args&... a) { return spawn_link(function_, a...); }, args_)};
  }

private:
  F function_;
  std::tuple<Args...> args_;
};

/// Starts whatever a function of the user's starts and links.
template <class F, class... Args>
class function_starter final : public child_starter {
public:
  template <class... A>
  explicit function_starter(F function, A&&... args) : function_(function), args_(std::forward<A>(args)...) {}

  start_begun begin(const child_args&) const override { return {}; }
  [[nodiscard]] std::optional<task<std::expected<pid, exit_reason>>> run() const override {
    return std::apply(function_, args_);
  }

private:
  F function_;
  std::tuple<Args...> args_;
};

} // namespace detail
} // namespace coppice
