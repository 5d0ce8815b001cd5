#include "coppice/otp/detail/application_controller.hpp"

#include "coppice/otp/detail/child_starter.hpp"
#include "coppice/otp/detail/requests.hpp"

#include <algorithm>
#include <map>

namespace coppice::detail {

using namespace literals;
using application::outcome;

namespace {

enum class app_state : std::uint8_t { loaded, starting, running, stopping };

struct app {
  std::shared_ptr<const application_spec> spec;
  app_state state = app_state::loaded;
  application_type type = application_type::temporary;
  pid master{};                // none: it has no processes
  std::uint64_t tag = 0;       // while it starts
  std::vector<from> waiting{}; // for its start, or its end
};

const char* type_name_of(application_type t) {
  switch (t) {
  case application_type::temporary: return "temporary";
  case application_type::transient: return "transient";
  case application_type::permanent: break;
  }
  return "permanent";
}

/// Whether an end, or a start that failed, that nobody asked for takes the node along.
bool is_fatal(application_type type, const exit_reason& why) {
  return type == application_type::permanent || (type == application_type::transient && !why.is_normal());
}

application_info info_of(const application_spec& spec) {
  return {spec.name(), spec.description(), spec.version()};
}

class application_controller final : public gen_process {
public:
  [[nodiscard]] std::string_view label() const noexcept override { return "application_controller"; }

protected:
  void on_init() override {
    trap_exit(true);
    started();
  }
  void on_message(message_ptr message) override;
  void on_end(exit_reason reason) override {
    if (ending_) return;
    ending_.emplace(std::move(reason));
    stop_next();
  }
  void on_terminate(const exit_reason&) override {}
  [[nodiscard]] term state_as_term() const override;
  bool replace_state(const term&) override { return false; }
  std::optional<exit_reason> on_code_change(const term&, const term&) override { return std::nullopt; }
  [[nodiscard]] atom module() const override { return "application_controller"_atom; }

private:
  using apps = std::map<std::string, app, std::less<>>;

  template <class Request>
  bool take(envelope& e) {
    std::optional<Request> request = request_of<Request>(e);
    if (request) on(*request, std::move(from_of(e)));
    return request.has_value();
  }
  void on(app_asked::load& r, from who);
  void on(app_asked::unload& r, from who);
  void on(app_asked::start& r, from who);
  void on(app_asked::stop& r, from who);
  void on(app_asked::which_applications& r, from who);
  void on(app_asked::loaded_applications& r, from who);
  void on(app_asked::get_spec& r, from who);
  void on(app_asked::get_env& r, from who);
  void on(app_asked::get_all_env& r, from who);
  void on(app_asked::set_env& r, from who);
  void on(app_asked::application_of& r, from who);
  void on(app_asked::graph& r, from who);

  static void refuse_request(from& who, application_fault what, std::string name,
                             std::vector<std::string> path = {}, exit_reason reason = {}) {
    who.reply(outcome<ok>(
        std::unexpected(application_error{what, std::move(name), std::move(path), std::move(reason)})));
  }
  static void done(from& who) { who.reply(outcome<ok>(ok())); }
  void is_up(app& a);
  void failed_to_start(app& a, const exit_reason& why);
  void ended(app& a, exit_reason why);
  void begin_stop(app& a);
  void stop_next();
  [[nodiscard]] app* by_master(pid master);

  apps apps_;
  std::vector<std::string> running_; // in the order of their starts
  std::map<std::string, std::map<std::string, term>> env_;
  std::optional<exit_reason> ending_;
};

void application_controller::on_message(message_ptr message) {
  envelope& e = *message;
  if (e.kind == envelope_kind::completion) {
    auto found = std::ranges::find_if(apps_, [&](auto& entry) { return entry.second.tag == e.tag; });
    if (found == apps_.end()) return;
    found->second.tag = 0;
    std::expected<start_ack, exit_reason> ack = read_reply<start_ack>(std::move(message));
    ack ? is_up(found->second) : failed_to_start(found->second, ack.error());
    return;
  }
  if (e.form == message_form::info && e.ops->type->hash == type_hash<exit_signal>()) {
    exit_signal& signal = e.as<exit_signal>();
    app* a = by_master(signal.from);
    if (a != nullptr) ended(*a, std::move(signal.reason));
    return;
  }
  const bool taken = take<app_asked::get_env>(e) || take<app_asked::load>(e) || take<app_asked::start>(e) ||
                     take<app_asked::stop>(e) || take<app_asked::unload>(e) || take<app_asked::set_env>(e) ||
                     take<app_asked::get_all_env>(e) || take<app_asked::which_applications>(e) ||
                     take<app_asked::loaded_applications>(e) || take<app_asked::get_spec>(e) ||
                     take<app_asked::application_of>(e) || take<app_asked::graph>(e);
  if (taken || e.form != message_form::call) return;
  from_of(e).fail(exit_reason(term::tuple("bad_request"_atom, message_as_term(e))));
}

app* application_controller::by_master(pid master) {
  for (auto& [name, a] : apps_) {
    if (a.master == master && master) return &a;
  }
  return nullptr;
}

term application_controller::state_as_term() const {
  std::vector<term> names;
  names.reserve(running_.size());
  for (const std::string& name : running_) names.emplace_back(atom(name));
  return term::map({{"running"_atom, term::list_from(std::move(names))}, {"loaded"_atom, apps_.size()}});
}

// --- loading and the environment ---

void application_controller::on(app_asked::load& r, from who) {
  std::string name = r.spec.name();
  if (apps_.contains(name)) return refuse_request(who, application_fault::already_loaded, name);
  auto& parameters = env_[name];
  for (const auto& [key, value] : r.spec.env()) parameters.try_emplace(key, value);
  apps_.emplace(std::move(name), app{std::make_shared<const application_spec>(std::move(r.spec))});
  done(who);
}

void application_controller::on(app_asked::unload& r, from who) {
  auto found = apps_.find(r.name);
  if (found == apps_.end()) return refuse_request(who, application_fault::not_loaded, r.name);
  if (found->second.state != app_state::loaded)
    return refuse_request(who, application_fault::running, r.name);
  apps_.erase(found);
  env_.erase(r.name);
  done(who);
}

void application_controller::on(app_asked::get_env& r, from who) {
  auto of_app = env_.find(r.name);
  app_asked::maybe_term found;
  if (of_app != env_.end()) {
    if (auto value = of_app->second.find(r.key); value != of_app->second.end())
      found.push_back(value->second);
  }
  who.reply(std::move(found));
}

void application_controller::on(app_asked::get_all_env& r, from who) {
  application_spec::environment all;
  if (auto of_app = env_.find(r.name); of_app != env_.end()) {
    all.assign(of_app->second.begin(), of_app->second.end());
  }
  who.reply(std::move(all));
}

void application_controller::on(app_asked::set_env& r, from who) {
  if (!r.value.empty()) {
    env_[r.name][r.key] = std::move(r.value.front());
  } else if (auto of_app = env_.find(r.name); of_app != env_.end()) {
    of_app->second.erase(r.key);
  }
  done(who);
}

// --- questions ---

void application_controller::on(app_asked::which_applications&, from who) {
  std::vector<application_info> all;
  for (auto name = running_.rbegin(); name != running_.rend(); ++name) {
    all.push_back(info_of(*apps_.find(*name)->second.spec));
  }
  who.reply(std::move(all));
}

void application_controller::on(app_asked::loaded_applications&, from who) {
  std::vector<application_info> all;
  for (const auto& [name, a] : apps_) all.push_back(info_of(*a.spec));
  who.reply(std::move(all));
}

void application_controller::on(app_asked::get_spec& r, from who) {
  auto found = apps_.find(r.name);
  std::optional<application_spec> spec;
  if (found != apps_.end()) spec = *found->second.spec;
  who.reply(std::move(spec));
}

void application_controller::on(app_asked::application_of& r, from who) {
  const app* a = by_master(r.master);
  std::optional<std::string> name;
  if (a != nullptr) name = a->spec->name();
  who.reply(std::move(name));
}

void application_controller::on(app_asked::graph&, from who) {
  std::vector<app_asked::node> all;
  for (const auto& [name, a] : apps_) {
    all.push_back({name, a.spec->needs(), a.spec->likes(), a.state == app_state::running});
  }
  who.reply(outcome<std::vector<app_asked::node>>(std::move(all)));
}

// --- starting ---

void application_controller::on(app_asked::start& r, from who) {
  if (ending_) return refuse_request(who, application_fault::stopping, r.name);
  auto found = apps_.find(r.name);
  if (found == apps_.end()) return refuse_request(who, application_fault::not_loaded, r.name);
  app& a = found->second;
  if (a.state == app_state::starting) { // told when it is up, like who asked first
    a.waiting.push_back(std::move(who));
    return;
  }
  if (a.state != app_state::loaded) return refuse_request(who, application_fault::already_started, r.name);
  for (const std::string& need : a.spec->needs()) {
    auto other = apps_.find(need);
    if (other != apps_.end() && other->second.state == app_state::running) continue;
    return refuse_request(who, application_fault::not_started, need, {r.name, need});
  }
  a.type = r.type;
  a.state = app_state::starting;
  a.waiting.push_back(std::move(who));
  if (!a.spec->top()) return is_up(a);
  try {
    start_begun begun = begin_start(make_application_master(a.spec), start_options());
    a.master = begun.process;
    a.tag = begun.tag;
  } catch (...) { // catch-all: no process can be made; the start has failed
    failed_to_start(a, exit_reason::from_exception(std::current_exception()));
  }
}

void application_controller::is_up(app& a) {
  a.state = app_state::running;
  running_.push_back(a.spec->name());
  this_node().report(report{severity::info,
                            "progress",
                            self_pid(),
                            {{"application", atom(a.spec->name())}, {"version", a.spec->version()}},
                            exit_reason()});
  for (from& who : std::exchange(a.waiting, {})) done(who);
}

void application_controller::failed_to_start(app& a, const exit_reason& why) {
  const bool fatal = is_fatal(a.type, why);
  a.state = app_state::loaded;
  a.master = pid();
  if (fatal) {
    this_node().report(report{severity::critical,
                              "application_start_failure",
                              self_pid(),
                              {{"application", atom(a.spec->name())},
                               {"type", atom(type_name_of(a.type))},
                               {"action", "stop the node"}},
                              why});
    this_node().request_stop(1);
  }
  for (from& who : std::exchange(a.waiting, {})) {
    refuse_request(who, application_fault::start_failed, a.spec->name(), {}, why);
  }
}

// --- ending ---

void application_controller::on(app_asked::stop& r, from who) {
  auto found = apps_.find(r.name);
  if (found == apps_.end() || found->second.state == app_state::loaded ||
      found->second.state == app_state::starting) {
    return refuse_request(who, application_fault::not_started, r.name);
  }
  app& a = found->second;
  a.waiting.push_back(std::move(who));
  if (a.state == app_state::running) begin_stop(a);
}

void application_controller::begin_stop(app& a) {
  a.state = app_state::stopping;
  if (!a.master) return ended(a, exit_reason::shutdown());
  exit(a.master, exit_reason::shutdown());
}

void application_controller::ended(app& a, exit_reason why) {
  if (a.state == app_state::starting) { // announced dead while it was stuck in its start
    close_request(running_process(), std::exchange(a.tag, 0));
    return failed_to_start(a, why);
  }
  const bool asked_for = a.state == app_state::stopping;
  const bool fatal = !asked_for && is_fatal(a.type, why);
  a.state = app_state::loaded;
  a.master = pid();
  std::erase(running_, a.spec->name());
  this_node().report(report{asked_for ? severity::info
                            : fatal   ? severity::critical
                                      : severity::notice,
                            "application_stopped",
                            self_pid(),
                            {{"application", atom(a.spec->name())},
                             {"type", atom(type_name_of(a.type))},
                             {"action", fatal ? "stop the node" : "none"}},
                            std::move(why)});
  for (from& who : std::exchange(a.waiting, {})) done(who);
  if (fatal) this_node().request_stop(1);
  if (ending_) stop_next();
}

/// One after the other, last started first; then this process ends.
void application_controller::stop_next() {
  if (running_.empty()) leave(*ending_);
  app& last = apps_.find(running_.back())->second;
  if (last.state == app_state::running) begin_stop(last);
}

} // namespace

std::unique_ptr<gen_process> make_application_controller() {
  return std::make_unique<application_controller>();
}

} // namespace coppice::detail
