#include "coppice/otp/application.hpp"

#include "coppice/otp/detail/application_controller.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/term/text.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

namespace coppice {

using namespace literals;

term describe<application_info>::to(const application_info& info) {
  return term::tuple(atom(info.name), term::charlist(info.description), term::charlist(info.version));
}

std::expected<application_info, decode_error> describe<application_info>::from(const term& t) {
  if (!t.is_tuple(3) || !t.elements()[0].is_atom()) {
    return std::unexpected(mismatch("{Application, Description, Vsn}", t));
  }
  return application_info{std::string(t.elements()[0].as_atom()->name()),
                          t.elements()[1].as_text().value_or(""), t.elements()[2].as_text().value_or("")};
}

namespace {

std::string arrows(const std::vector<std::string>& path) {
  std::string all;
  for (const std::string& name : path) all += all.empty() ? name : " -> " + name;
  return all;
}

} // namespace

std::string application_error::message() const {
  switch (what) {
  case application_fault::not_loaded:
    if (path.size() < 2)
      return fmt::format("application {} is not loaded; load its specification first", application);
    return fmt::format("application {} is not loaded but needed: {}; load its specification first",
                       application, arrows(path));
  case application_fault::already_loaded: return fmt::format("application {} is loaded already", application);
  case application_fault::already_started:
    return fmt::format("application {} is started already", application);
  case application_fault::not_started:
    if (path.empty()) return fmt::format("application {} is not started", application);
    return fmt::format(
        "application {} is not started but needed: {}; start it first, or use ensure_all_started",
        application, arrows(path));
  case application_fault::running:
    return fmt::format("application {} runs; stop it before it is unloaded", application);
  case application_fault::start_failed:
    return fmt::format("application {} could not be started: {}", application, reason.to_string(2000));
  case application_fault::cycle:
    return fmt::format("applications need each other: {}; take one of these dependencies away", arrows(path));
  case application_fault::stopping:
    return fmt::format("application {} is not started: the node is shutting down", application);
  case application_fault::no_answer: break;
  }
  return fmt::format("no answer from the application controller ({}); start it with application::boot",
                     reason.to_string(200));
}

namespace application {
namespace {

namespace asked = detail::app_asked;

server_name controller() { return "application_controller"; }

/// What a call gives, as an outcome.
template <class T>
outcome<T> flat(std::expected<outcome<T>, exit_reason> reply) {
  if (reply) return std::move(*reply);
  return std::unexpected(application_error{application_fault::no_answer, "", {}, std::move(reply.error())});
}

template <class T, class Request>
task<outcome<T>> ask(Request request) {
  try_call_awaiter<outcome<T>> call(controller(), std::move(request), infinity);
  std::expected<outcome<T>, exit_reason> reply = co_await call;
  co_return flat(std::move(reply));
}

/// For questions that always have an answer: the caller ends if there is no controller.
template <class T, class Request>
task<T> look(Request request) {
  call_awaiter<T> call(controller(), std::move(request), infinity);
  T reply = co_await call;
  co_return reply;
}

/// The order of starts: each after all that it needs.
class start_order {
public:
  using graph = std::vector<asked::node>;
  explicit start_order(graph all) {
    for (asked::node& n : all) nodes_.emplace(n.name, std::move(n));
  }

  outcome<std::vector<std::string>> of(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (auto visited = visit(name); !visited) return std::unexpected(visited.error());
    }
    return std::move(order_);
  }

private:
  outcome<ok> visit(const std::string& name) {
    auto found = nodes_.find(name);
    if (auto at = std::ranges::find(path_, name); at != path_.end()) {
      std::vector<std::string> round(at, path_.end());
      round.push_back(name);
      return std::unexpected(
          application_error{application_fault::cycle, name, std::move(round), exit_reason()});
    }
    path_.push_back(name);
    if (found == nodes_.end()) {
      return std::unexpected(application_error{application_fault::not_loaded, name, path_, exit_reason()});
    }
    asked::node& n = found->second;
    if (!n.running && std::ranges::find(order_, name) == order_.end()) {
      for (const std::string& need : n.needs) {
        if (auto visited = visit(need); !visited) return visited;
      }
      for (const std::string& like : n.likes) {
        if (!nodes_.contains(like)) continue;
        if (auto visited = visit(like); !visited) return visited;
      }
      order_.push_back(name);
    }
    path_.pop_back();
    return ok();
  }

  std::unordered_map<std::string, asked::node> nodes_;
  std::vector<std::string> path_;
  std::vector<std::string> order_;
};

task<outcome<ok>> boot_inside(std::vector<application_spec> all, application_type type) {
  std::expected<pid, exit_reason> up = co_await start_controller();
  if (!up) {
    co_return std::unexpected(application_error{application_fault::no_answer, "", {}, std::move(up.error())});
  }
  std::vector<std::string> names;
  for (application_spec& spec : all) {
    names.push_back(spec.name());
    outcome<ok> loaded = co_await load(std::move(spec));
    if (!loaded) co_return loaded;
  }
  outcome<std::vector<std::string>> started = co_await ensure_all_started(std::move(names), type);
  if (!started) co_return std::unexpected(std::move(started.error()));
  co_return ok();
}

} // namespace

task<std::expected<pid, exit_reason>> start_controller() {
  start_options options;
  options.name = controller();
  detail::start_awaiter start(detail::make_application_controller(), start_mode::nolink, std::move(options));
  std::expected<pid, exit_reason> started = co_await start;
  if (started) {
    this_node().set_root(*started);
  } else if (started.error().value().is_tagged("already_started"_atom, 2)) {
    co_return *started.error().value().elements()[1].as_pid();
  }
  co_return started;
}

outcome<ok> boot(node& on, std::vector<application_spec> all, application_type type) {
  return on.run([](self, std::vector<application_spec> specs,
                   application_type how) { return boot_inside(std::move(specs), how); },
                std::move(all), type);
}

task<outcome<ok>> load(application_spec spec) { return ask<ok>(asked::load(std::move(spec))); }
task<outcome<ok>> unload(std::string name) { return ask<ok>(asked::unload(std::move(name))); }
task<outcome<ok>> start(std::string name, application_type type) {
  return ask<ok>(asked::start(std::move(name), type));
}
task<outcome<ok>> stop(std::string name) { return ask<ok>(asked::stop(std::move(name))); }

task<outcome<ok>> start(application_spec spec, application_type type) {
  std::string name = spec.name();
  outcome<ok> loaded = co_await load(std::move(spec));
  if (!loaded && loaded.error().what != application_fault::already_loaded) co_return loaded;
  outcome<ok> started = co_await start(std::move(name), type);
  co_return started;
}

task<outcome<std::vector<std::string>>> ensure_all_started(std::vector<std::string> names,
                                                           application_type type) {
  outcome<std::vector<asked::node>> all = co_await ask<std::vector<asked::node>>(asked::graph());
  if (!all) co_return std::unexpected(std::move(all.error()));
  outcome<std::vector<std::string>> order = start_order(std::move(*all)).of(names);
  if (!order) co_return order;
  std::vector<std::string> started;
  for (const std::string& name : *order) {
    outcome<ok> up = co_await start(name, type);
    if (up) {
      started.push_back(name);
    } else if (up.error().what != application_fault::already_started) {
      for (auto one = started.rbegin(); one != started.rend(); ++one) {
        outcome<ok> down = co_await stop(*one);
      }
      co_return std::unexpected(std::move(up.error()));
    }
  }
  co_return started;
}

task<outcome<std::vector<std::string>>> ensure_all_started(std::string name, application_type type) {
  std::vector<std::string> names;
  names.push_back(std::move(name));
  return ensure_all_started(std::move(names), type);
}

task<std::vector<application_info>> which_applications() {
  return look<std::vector<application_info>>(asked::which_applications());
}
task<std::vector<application_info>> loaded_applications() {
  return look<std::vector<application_info>>(asked::loaded_applications());
}
task<std::optional<application_spec>> get_spec(std::string name) {
  return look<std::optional<application_spec>>(asked::get_spec(std::move(name)));
}
task<std::optional<term>> get_env(std::string name, std::string key) {
  asked::maybe_term found = co_await look<asked::maybe_term>(asked::get_env(std::move(name), std::move(key)));
  if (found.empty()) co_return std::nullopt;
  co_return std::move(found.front());
}
task<application_spec::environment> get_all_env(std::string name) {
  return look<application_spec::environment>(asked::get_all_env(std::move(name)));
}
task<outcome<ok>> set_env(std::string name, std::string key, term value) {
  asked::maybe_term wanted;
  wanted.push_back(std::move(value));
  return ask<ok>(asked::set_env(std::move(name), std::move(key), std::move(wanted)));
}
task<outcome<ok>> unset_env(std::string name, std::string key) {
  return ask<ok>(asked::set_env(std::move(name), std::move(key), asked::maybe_term()));
}

task<std::optional<std::string>> get_application(pid process) {
  std::optional<process_details> details = co_await process_info(process);
  if (!details) co_return std::nullopt;
  std::optional<std::string> name =
      co_await look<std::optional<std::string>>(asked::application_of(details->group_leader));
  co_return name;
}

} // namespace application
} // namespace coppice
