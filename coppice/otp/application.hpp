// application: parts of a system that are started and stopped as a whole, in the order of their dependencies.
// OTP: module application.
//
//   coppice::application_spec chat() {
//     return coppice::application_spec("chat", "1.0.0")
//         .description("people talk to each other")
//         .applications({"store"})                               // must run before it
//         .env("port", 8080)
//         .start(coppice::child<chat_sup>("chat_sup", coppice::local("chat_sup")));
//   }
//
//   int main() {
//     coppice::node n;
//     auto up = coppice::application::boot(n, {store(), chat()});
//     if (!up) return fmt::print(stderr, "{}\n", up.error().message()), 1;
//     return n.run_until_stopped();                              // stops them, last started first
//   }
#pragma once

#include "coppice/otp/child.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/ok.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

/// What it means for the node when an application ends by itself, or cannot be started.
enum class application_type : std::uint8_t {
  temporary, ///< it is reported
  transient, ///< the node stops, unless the reason is `normal`
  permanent, ///< the node stops
};

/// What an application is (OTP: the resource file, `app(4)`). A value; the calls chain.
class application_spec {
public:
  /// Runs in the application's master process, which awaits it; what it throws is reported, and no more.
  using callback = std::function<task<>()>;
  using environment = std::vector<std::pair<std::string, term>>; ///< parameters and their values

  /// By its name it is started, and needed by others; the version is informative.
  explicit application_spec(std::string name, std::string version = "0.1.0")
      : name_(std::move(name)), version_(std::move(version)) {}

  /// A line for people, as `which_applications` shows it.
  application_spec&& description(std::string text) && {
    description_ = std::move(text);
    return std::move(*this);
  }
  /// Those that must run before this one is started.
  application_spec&& applications(std::vector<std::string> names) && {
    needs_ = std::move(names);
    return std::move(*this);
  }
  /// Those that `ensure_all_started` starts before this one if they are loaded.
  application_spec&& optional_applications(std::vector<std::string> names) && {
    likes_ = std::move(names);
    return std::move(*this);
  }
  /// A parameter's default; `application::set_env` takes precedence, also when called before `load`.
  application_spec&& env(std::string key, term value) && {
    env_.emplace_back(std::move(key), std::move(value));
    return std::move(*this);
  }
  /// What runs it: its top supervisor, described as a child. Without it the application has no processes.
  application_spec&& start(child_description top) && {
    top_.emplace(std::move(top));
    return std::move(*this);
  }
  /// Called before its processes are told to end, as to let connections drain.
  application_spec&& prep_stop(callback call) && {
    prep_stop_ = std::move(call);
    return std::move(*this);
  }
  /// Called when its top supervisor has ended.
  application_spec&& stop(callback call) && {
    stop_ = std::move(call);
    return std::move(*this);
  }

  /// @{
  /// What was given: `needs` by `applications`, `likes` by `optional_applications`, `top` by `start`,
  /// `before_stop` by `prep_stop` and `after_stop` by `stop`. A callback that was not given is empty.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const std::string& version() const noexcept { return version_; }
  [[nodiscard]] const std::string& description() const noexcept { return description_; }
  [[nodiscard]] const std::vector<std::string>& needs() const noexcept { return needs_; }
  [[nodiscard]] const std::vector<std::string>& likes() const noexcept { return likes_; }
  [[nodiscard]] const environment& env() const noexcept { return env_; }
  [[nodiscard]] const std::optional<child_description>& top() const noexcept { return top_; }
  [[nodiscard]] const callback& before_stop() const noexcept { return prep_stop_; }
  [[nodiscard]] const callback& after_stop() const noexcept { return stop_; }
  /// @}

private:
  std::string name_, version_, description_;
  std::vector<std::string> needs_, likes_;
  environment env_;
  std::optional<child_description> top_;
  callback prep_stop_, stop_;
};

/// A row of `which_applications` and `loaded_applications`.
struct application_info {
  std::string name;        ///< what it is started by
  std::string description; ///< a line for people; may be empty
  std::string version;     ///< as its specification says
};

/// As OTP lists it: `{Application, Description, Vsn}`.
template <>
struct describe<application_info> {
  static term to(const application_info& info);
  static std::expected<application_info, decode_error> from(const term& t);
};

/// What can be wrong with a request to the application controller.
enum class application_fault : std::uint8_t {
  not_loaded,
  already_loaded,
  already_started,
  not_started,  ///< to stop one that does not run; or, with a path, a dependency that does not run
  running,      ///< to unload one that runs
  start_failed, ///< `reason` says why
  cycle,        ///< `path` goes round
  stopping,     ///< the node is shutting down
  no_answer,    ///< there is no application controller
};

/// Why an application is not what it was asked to be.
struct application_error {
  /// Which says whether `path` and `reason` hold anything.
  application_fault what = application_fault::no_answer;
  std::string application;       ///< whom it is about; of no_answer empty
  std::vector<std::string> path; ///< of cycle, not_started and not_loaded: from who needs to what is needed
  exit_reason reason;            ///< of start_failed and no_answer

  /// For people: the place and the remedy.
  [[nodiscard]] std::string message() const;
};

namespace application {

/// A T, or why there is none.
template <class T>
using outcome = std::expected<T, application_error>;

/// Starts the node's application controller, registered as `application_controller`, and makes it the node's
/// root: `node::shutdown` then stops the applications, last started first. Gives the one that runs if it
/// does.
task<std::expected<pid, exit_reason>> start_controller();

/// From `main`: starts the controller, loads the applications and starts them all, in the order of their
/// dependencies.
outcome<ok> boot(node& on, std::vector<application_spec> all,
                 application_type type = application_type::permanent);

/// Makes an application known. Errors: already_loaded.
[[nodiscard]] task<outcome<ok>> load(application_spec spec);
/// Forgets it and its environment. Errors: not_loaded, running.
[[nodiscard]] task<outcome<ok>> unload(std::string name);
/// Starts a loaded application and waits until it is up. Errors: not_loaded, already_started, not_started
/// (what it needs), start_failed.
[[nodiscard]] task<outcome<ok>> start(std::string name, application_type type = application_type::temporary);
/// The same for one that is loaded first unless it is already.
[[nodiscard]] task<outcome<ok>> start(application_spec spec,
                                      application_type type = application_type::temporary);
/// Starts an application and, before it, all that it needs. Gives those that it started, in order; when one
/// fails they are stopped again. Errors: those of `start`, cycle.
[[nodiscard]] task<outcome<std::vector<std::string>>>
ensure_all_started(std::vector<std::string> names, application_type type = application_type::temporary);
/// The same for one application.
[[nodiscard]] task<outcome<std::vector<std::string>>>
ensure_all_started(std::string name, application_type type = application_type::temporary);
/// Ends an application and waits until it has ended. What needs it is not touched. Errors: not_started.
[[nodiscard]] task<outcome<ok>> stop(std::string name);

/// Those that run, last started first.
[[nodiscard]] task<std::vector<application_info>> which_applications();
/// Those that are known, by name.
[[nodiscard]] task<std::vector<application_info>> loaded_applications();
/// What was loaded under that name.
[[nodiscard]] task<std::optional<application_spec>> get_spec(std::string name);

/// A parameter of an application, if it has it.
[[nodiscard]] task<std::optional<term>> get_env(std::string name, std::string key);
/// The same as a T; the default if it is not set. Exits with `{badarg, Text}` if it is no T.
template <class T>
[[nodiscard]] task<T> get_env(std::string name, std::string key, T otherwise) {
  std::optional<term> found = co_await get_env(name, key);
  if (!found) co_return otherwise;
  std::expected<T, decode_error> value = from_term<T>(*found);
  if (!value) {
    exit(exit_reason(term::tuple(atom("badarg"), name + "." + key + ": " + value.error().message())));
  }
  co_return std::move(*value);
}
/// All parameters of an application (OTP: `application:get_all_env/1`).
[[nodiscard]] task<application_spec::environment> get_all_env(std::string name);
/// Sets a parameter, of an application that is not loaded yet too.
task<outcome<ok>> set_env(std::string name, std::string key, term value);
/// Takes a parameter away (OTP: `application:unset_env/2`).
task<outcome<ok>> unset_env(std::string name, std::string key);

/// The application that a process belongs to, by its group leader.
[[nodiscard]] task<std::optional<std::string>> get_application(pid process);

} // namespace application
} // namespace coppice
