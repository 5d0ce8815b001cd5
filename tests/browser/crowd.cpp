// A node for the browser tests: as many idle processes as wanted, and some that are worth a look.
//
//   coppice_crowd [PROCESSES] [--hide-state]
//
// Prints its address as `coppice run` does. `GET /stick` blocks the process `stuck`, `GET /release` lets it
// go; `GET /crash` crashes the server `fragile`.
#include "coppice/http/server.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/console/shell/console.hpp"
#include "servers/web/guard.hpp"

#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace coppice::crowd {
namespace {

using namespace std::chrono_literals;

struct never {};
struct parcel {
  int number;
};
struct greet {
  std::string name;
};
struct beat {};
struct sleep_on {};
struct crash {};
struct stick {};

/// Turned on and off from outside.
class shared_switch {
public:
  void turn(bool on) const {
    on_->store(on);
    on_->notify_all();
  }
  void wait_while_on() const { on_->wait(true); }

private:
  std::shared_ptr<std::atomic<bool>> on_ = std::make_shared<std::atomic<bool>>(false);
};

/// Has a state worth reading, and is greeted ten times a second.
class specimen : public gen_server {
public:
  using protocol = coppice::protocol<calls<greet, int>>;
  int handle_call(const greet& g) {
    last_ = g.name;
    return ++greeted_;
  }
  [[nodiscard]] term state() const {
    constexpr int parcels = 40;
    std::vector<term> shelf;
    shelf.reserve(parcels);
    for (int i = 0; i < parcels; ++i)
      shelf.push_back(term::tuple(atom("parcel"), i, "with, \"commas\" {and} brackets"));
    return term::map({{atom("last"), last_},
                      {atom("secret"), "open sesame"},
                      {atom("shelf"), term::list_from(std::move(shelf))}});
  }

private:
  std::string last_;
  int greeted_ = 0;
};

class talker : public gen_server {
public:
  using protocol = coppice::protocol<infos<beat>>;
  void init() { send_after(100ms, self_pid(), beat()); }
  task<> handle_info(beat) {
    send_after(100ms, self_pid(), beat());
    server_ref<specimen> to{"specimen"};
    greet hello{"the talker"};
    std::expected<int, exit_reason> n = co_await try_call<greet>(to, moved(hello));
    (void)n;
  }
};

/// Takes a message and is never done with it: it answers no call.
class sleeper : public gen_server {
public:
  using protocol = coppice::protocol<casts<sleep_on>>;
  void init() { cast<sleep_on>(server_ref<sleeper>(server_name(self_pid()))); }
  task<> handle_cast(sleep_on) { co_await idle_for(infinity); }
};

class fragile : public gen_server {
public:
  using protocol = coppice::protocol<casts<crash>>;
  void handle_cast(crash) { throw std::runtime_error("broken on purpose"); }
};

/// Keeps its thread as long as the switch is on.
class stuck : public gen_server {
public:
  using protocol = coppice::protocol<casts<stick>>;
  explicit stuck(shared_switch on) : on_(std::move(on)) {}
  void handle_cast(stick) { on_.wait_while_on(); }

private:
  shared_switch on_;
};

process idle(self me) { co_await me.receive<never>(); }

process load(self me) {
  register_name(atom("loaded"), me);
  for (int i = 0; i < 1234; ++i) send(me, parcel{i});
  co_await me.receive<never>();
}

process gather(self me, int count) {
  register_name(atom("crowd"), me);
  for (int i = 0; i < count; ++i) spawn_opt(spawn_options{.label = "idler"}, idle);
  spawn_link(load);
  co_await me.receive<never>();
}

class front {
public:
  [[nodiscard]] const std::shared_ptr<web::served_hosts>& hosts() const { return hosts_; }
  http::routes routes;

private:
  std::shared_ptr<web::served_hosts> hosts_ = std::make_shared<web::served_hosts>();
};

http::response done() { return {http::status::ok, "text/plain", "done\n"}; }

void mount(http::routes& routes, const shared_switch& on) {
  routes.any("/stick", [on](http::request&) {
    on.turn(true);
    cast<stick>(server_ref<stuck>{"stuck"});
    return done();
  });
  routes.any("/release", [on](http::request&) {
    on.turn(false);
    return done();
  });
  routes.any("/crash", [](http::request&) {
    cast<crash>(server_ref<fragile>{"fragile"});
    return done();
  });
}

task<net::listener> start_all(self, std::vector<child_spec> children, std::shared_ptr<const front> f,
                              int count) {
  const supervisor_flags flags{.intensity = 100, .period = 10s};
  start_result<plain_supervisor> root = co_await start<plain_supervisor>(local("root_sup"), flags, children);
  if (!root) throw std::runtime_error("the root could not be started");
  this_node().set_root(*whereis(atom("root_sup")));
  spawn(gather, count);
  http::server_options options;
  options.listener.endpoint = net::endpoint::loopback(0);
  options.admit = [hosts = f->hosts()](const http::request_head& r) -> std::optional<http::response> {
    if (hosts->check_host(r)) return http::response(http::status::forbidden, "text/plain", "no\n");
    return std::nullopt;
  };
  web::secure(options.headers);
  std::expected<net::listener, std::string> listening = http::start_server(f->routes, std::move(options));
  if (!listening) throw std::runtime_error(listening.error());
  unlink(listening->process());
  f->hosts()->listens_on(listening->local().port());
  co_return *listening;
}

int run(int count, bool shows_state) {
  node_options settings;
  settings.make_poller = net::make_poller();
  node home(std::move(settings));
  console::console view(home, {.name = "crowd@here", .version = "0", .root = "root_sup"},
                        {.shows_state = shows_state});
  home.set_report_sink(view.watcher());
  auto f = std::make_shared<front>();
  const shared_switch on;
  view.mount(f->routes);
  mount(f->routes, on);
  const std::vector<child_spec> children{
      view.supervisor(),
      child<specimen>("specimen", local("specimen")),
      child<talker>("talker", local("talker")),
      child<sleeper>("sleeper", local("sleeper")),
      child<fragile>("fragile", local("fragile")),
      child<stuck>("stuck", local("stuck"), on),
  };
  const net::listener listening = home.run(&start_all, children, std::shared_ptr<const front>(f), count);
  std::printf("coppice: http://%s/\n", listening.local().to_string().c_str());
  std::fflush(stdout);
  return home.run_until_stopped();
}

} // namespace
} // namespace coppice::crowd

int main(int argc, char** argv) {
  int count = 0;
  bool shows_state = true;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--hide-state") == 0) {
      shows_state = false;
    } else {
      count = std::stoi(argv[i]);
    }
  }
  return coppice::crowd::run(count, shows_state);
}
