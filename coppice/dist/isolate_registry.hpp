// The classes that isolates of this program can run: who mentions `isolate<S>` has S among them, before main.
#pragma once

#include "coppice/otp/detail/child_starter.hpp"
#include "coppice/otp/start.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace coppice::dist::detail {

/// Starts a class linked to the running process, with those arguments.
using isolated_start = task<std::expected<pid, exit_reason>> (*)(term arguments);

/// Notes how a class is started; gives its name back.
const std::string& register_isolated(std::string name, isolated_start start);
/// How it is started; the error is for people.
std::expected<isolated_start, std::string> find_isolated(const std::string& name);
/// That the arguments are not those of the class.
exit_reason wrong_isolate_arguments(const std::string& expected, const term& got);

template <class S, class... Args>
struct isolated_class {
  static task<std::expected<pid, exit_reason>> start(term arguments) {
    std::optional<std::tuple<Args...>> values = read(arguments);
    if (!values) {
      co_return std::unexpected(wrong_isolate_arguments(coppice::detail::type_names<Args...>(), arguments));
    }
    auto started = co_await begin(*values);
    if (!started) co_return std::unexpected(std::move(started.error()));
    co_return *started->resolve();
  }

  static const std::string& registered; ///< its name

private:
  static start_server<S> begin(std::tuple<Args...>& values) {
    return std::apply([](Args&... each) -> start_server<S> { return start_link<S>(std::move(each)...); },
                      values);
  }
  static std::optional<std::tuple<Args...>> read(const term& arguments) {
    if (arguments.length() != sizeof...(Args)) return std::nullopt;
    [[maybe_unused]] auto at = arguments.items().begin();
    std::tuple<std::optional<Args>...> all{coppice::detail::decode<Args>(*at++)...}; // braces: in order
    return std::apply(
        [](auto&... each) -> std::optional<std::tuple<Args...>> {
          if (!(each && ...)) return std::nullopt;
          return std::tuple<Args...>(std::move(*each)...);
        },
        all);
  }
};

template <class S, class... Args>
const std::string& isolated_class<S, Args...>::registered = register_isolated(
    std::string(type_name<S>()) + coppice::detail::type_names<Args...>(), &isolated_class<S, Args...>::start);

} // namespace coppice::dist::detail
