// Applications on a stepped node. The cases are named after those of OTP's application_SUITE where there is
// one.
#include "coppice/otp/application.hpp"

#include "coppice/otp/detail/test_workers.hpp"

#include <gmock/gmock.h>

namespace coppice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using strings = std::vector<std::string>;
using application::outcome;

class app_sup : public supervisor {
public:
  app_sup(pid observer, std::string name) : observer_(observer), name_(std::move(name)) {}
  [[nodiscard]] supervisor_flags flags() const { return {.intensity = 0}; }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {worker_child(observer_, name_).module("worker")};
  }

private:
  pid observer_;
  std::string name_;
};

application_spec app(pid observer, const std::string& name, strings needs = {}) {
  return application_spec(name, "1.2")
      .description("it is " + name)
      .applications(std::move(needs))
      .start(child<app_sup>("top", local(name + "_sup"), observer, name));
}

strings names_of(const std::vector<application_info>& all) {
  strings names;
  for (const application_info& info : all) names.push_back(info.name);
  return names;
}

/// A controller with c, which needs b, which needs a; all are loaded.
task<> load_three(pid observer) {
  std::expected<pid, exit_reason> up = co_await application::start_controller();
  EXPECT_TRUE(up.has_value());
  strings of_b(1, "a");
  strings of_c(1, "b");
  application_spec a = app(observer, "a");
  application_spec b = app(observer, "b", of_b);
  application_spec c = app(observer, "c", of_c);
  co_await application::load(c);
  co_await application::load(b);
  co_await application::load(a);
}

TEST(application, load_and_start) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await load_three(me);
    std::vector<application_info> loaded = co_await application::loaded_applications();
    EXPECT_EQ(names_of(loaded), (strings{"a", "b", "c"}));
    EXPECT_EQ(loaded[0].description, "it is a");
    outcome<ok> again = co_await application::load(app(me, "a"));
    EXPECT_EQ(again.error().what, application_fault::already_loaded);
    outcome<ok> early = co_await application::start("b");
    EXPECT_EQ(early.error().what, application_fault::not_started);
    EXPECT_THAT(early.error().message(), HasSubstr("b -> a"));
    outcome<ok> a = co_await application::start("a");
    EXPECT_TRUE(a.has_value());
    outcome<ok> twice = co_await application::start("a");
    EXPECT_EQ(twice.error().what, application_fault::already_started);
    outcome<ok> b = co_await application::start("b");
    EXPECT_TRUE(b.has_value());
    std::vector<application_info> running = co_await application::which_applications();
    EXPECT_EQ(names_of(running), (strings{"b", "a"}));
    outcome<ok> busy = co_await application::unload("a");
    EXPECT_EQ(busy.error().what, application_fault::running);
    outcome<ok> stopped = co_await application::stop("a");
    EXPECT_TRUE(stopped.has_value());
    outcome<ok> unloaded = co_await application::unload("a");
    EXPECT_TRUE(unloaded.has_value());
    outcome<ok> unknown = co_await application::start("a");
    EXPECT_EQ(unknown.error().what, application_fault::not_loaded);
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "start b", "end a shutdown"));
  });
}

TEST(application, ensure_all_started) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await load_three(me);
    outcome<strings> started = co_await application::ensure_all_started("c");
    EXPECT_EQ(*started, (strings{"a", "b", "c"}));
    outcome<strings> nothing = co_await application::ensure_all_started("c");
    EXPECT_TRUE(nothing->empty());
    application_spec d = app(me, "d", strings(1, "nowhere"));
    co_await application::load(d);
    outcome<strings> lost = co_await application::ensure_all_started("d");
    EXPECT_EQ(lost.error().what, application_fault::not_loaded);
    EXPECT_THAT(lost.error().message(), HasSubstr("d -> nowhere"));
  });
}

TEST(application, a_cycle_is_named) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    application_spec x = app(me, "x", strings(1, "y"));
    application_spec y = app(me, "y", strings(1, "z"));
    application_spec z = app(me, "z", strings(1, "y"));
    co_await application::load(x);
    co_await application::load(y);
    co_await application::load(z);
    outcome<strings> started = co_await application::ensure_all_started("x");
    EXPECT_EQ(started.error().what, application_fault::cycle);
    EXPECT_EQ(started.error().path, (strings{"y", "z", "y"}));
    EXPECT_THAT(started.error().message(), HasSubstr("y -> z -> y"));
  });
}

class no_good : public supervisor {
public:
  static init_result init() { return init_result::stop(exit_reason("no_disk"_atom)); }
  static std::vector<child_spec> children() { return {}; }
};

// What was started for an application that fails is stopped again.
TEST(application, start_of_an_application_fails) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await load_three(me);
    application_spec bad = application_spec("bad").applications(strings(1, "b")).start(child<no_good>("top"));
    co_await application::load(bad);
    outcome<strings> started = co_await application::ensure_all_started("bad");
    EXPECT_EQ(started.error().what, application_fault::start_failed);
    EXPECT_EQ(started.error().application, "bad");
    EXPECT_TRUE(started.error().reason.is("no_disk"));
    std::vector<application_info> running = co_await application::which_applications();
    EXPECT_TRUE(running.empty());
  });
}

process starts_one(self, pid asker, std::string name) {
  outcome<ok> started = co_await application::start(name);
  send(asker, seen{started ? "ok" : to_string(started.error().reason.value())});
}

task<strings> two_start(self me, std::string name) {
  spawn(&starts_one, pid(me), name);
  spawn(&starts_one, pid(me), name);
  strings answers;
  for (int n = 0; n < 2; ++n) {
    seen s = co_await me.receive<seen>();
    answers.push_back(s.what);
  }
  co_return answers;
}

class takes_its_time : public gen_server {
public:
  explicit takes_its_time(bool refuses) : refuses_(refuses) {}
  task<init_result> init() {
    co_await idle_for(10ms);
    if (refuses_) co_return init_result::stop(exit_reason("no_disk"_atom));
    co_return init_result();
  }

private:
  bool refuses_;
};

// Two processes start the same application at once: both get to know.
TEST(application, otp_2973) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    application_spec good = application_spec("good").start(child<takes_its_time>("top", false));
    application_spec bad = application_spec("bad").start(child<takes_its_time>("top", true));
    co_await application::load(good);
    co_await application::load(bad);
    strings both = co_await two_start(me, "good");
    EXPECT_EQ(both, (strings{"ok", "ok"}));
    outcome<ok> stopped = co_await application::stop("good");
    EXPECT_TRUE(stopped.has_value());
    strings neither = co_await two_start(me, "bad");
    EXPECT_EQ(neither, (strings{"no_disk", "no_disk"}));
  });
}

class ends_in_init : public gen_server {
public:
  explicit ends_in_init(atom reason) : reason_(reason) {}
  void init() const { exit(exit_reason(reason_)); }

private:
  atom reason_;
};

// What fails at its start ends the node, as its type says of its end.
TEST(application, otp_2718) {
  struct attempt {
    application_type type;
    const char* reason;
    bool fatal;
  };
  for (const attempt& a : {attempt{application_type::temporary, "abnormal", false},
                           attempt{application_type::transient, "normal", false},
                           attempt{application_type::transient, "abnormal", true},
                           attempt{application_type::permanent, "normal", true}}) {
    watched_node n;
    n.run(
        [](self, application_type type, atom reason) -> task<> {
          co_await application::start_controller();
          application_spec trans = application_spec("trans").start(child<ends_in_init>("top", reason));
          outcome<ok> started = co_await application::start(trans, type);
          EXPECT_EQ(started.error().what, application_fault::start_failed);
          EXPECT_EQ(started.error().reason.value(), term(reason));
          std::vector<application_info> running = co_await application::which_applications();
          EXPECT_TRUE(running.empty());
        },
        a.type, atom(a.reason));
    if (!a.fatal) n.n.request_stop(7);
    EXPECT_EQ(n.n.run_until_stopped(), a.fatal ? 1 : 7) << a.reason;
  }
}

struct go_on {};

/// Ends when it is told to, not when it should.
class lingers : public gen_server {
public:
  explicit lingers(pid tester) : tester_(tester) {}
  void init() { trap_exit(true); }
  void terminate(const exit_reason&) { send(tester_, seen{"held up"}); }

private:
  pid tester_;
};

task<> wait_for_word() {
  self me(detail::running_process());
  register_name("waits"_atom, me);
  co_await me.receive<go_on>();
}

// While an application takes its time to stop, the rest of the controller's work goes on.
TEST(application, shutdown_deadlock) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    application_spec slow =
        application_spec("deadlock").start(child<lingers>("top", pid(me))).prep_stop(&wait_for_word);
    co_await application::start(slow);
    pid stopper = spawn(
        [](self, pid tester) -> process {
          outcome<ok> stopped = co_await application::stop("deadlock");
          send(tester, seen{stopped ? "stopped" : "not stopped"});
        },
        pid(me));
    co_await idle_for(1s);
    EXPECT_TRUE(is_process_alive(stopper));
    std::vector<application_info> running = co_await application::which_applications();
    EXPECT_EQ(names_of(running), strings{"deadlock"}) << "it answers meanwhile";
    std::optional<std::string> mine = co_await application::get_application(me);
    EXPECT_FALSE(mine.has_value());
    outcome<ok> busy = co_await application::unload("deadlock");
    EXPECT_EQ(busy.error().what, application_fault::running);
    send("waits"_atom, go_on{});
    seen held = co_await me.receive<seen>();
    EXPECT_EQ(held.what, "held up");
    seen stopped = co_await me.receive<seen>();
    EXPECT_EQ(stopped.what, "stopped");
    outcome<ok> gone = co_await application::unload("deadlock");
    EXPECT_TRUE(gone.has_value());
  });
}

TEST(application, optional_applications) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    strings likes{"p", "absent"};
    application_spec o = application_spec("o").optional_applications(likes);
    application_spec p = app(me, "p");
    co_await application::load(o);
    co_await application::load(p);
    outcome<strings> started = co_await application::ensure_all_started("o");
    EXPECT_EQ(*started, (strings{"p", "o"})); // a library application: it has no processes
    outcome<ok> stopped = co_await application::stop("o");
    EXPECT_TRUE(stopped.has_value());
  });
}

TEST(application, env) {
  watched_node n;
  n.run([](self) -> task<> {
    co_await application::start_controller();
    co_await application::set_env("e", "port", 9090);
    application_spec e = application_spec("e").env("port", 8080).env("host", "here");
    co_await application::load(e);
    int port = co_await application::get_env<int>("e", "port", 1);
    EXPECT_EQ(port, 9090);
    std::string host = co_await application::get_env<std::string>("e", "host", "");
    EXPECT_EQ(host, "here");
    std::optional<term> none = co_await application::get_env("e", "colour");
    EXPECT_FALSE(none.has_value());
    co_await application::unset_env("e", "host");
    application_spec::environment all = co_await application::get_all_env("e");
    EXPECT_EQ(all.size(), 1U);
  });
}

process loose(self me) { co_await me.receive<crash>(); }

struct spawn_loose {};

class spawner : public gen_server {
public:
  using protocol = coppice::protocol<calls<spawn_loose, pid>>;
  static pid handle_call(spawn_loose) { return spawn(loose); }
};

// All processes of an application have its master as group leader; those outside of its tree end with it too.
TEST(application, group_leader) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    application_spec g = application_spec("g").start(child<spawner>("top", local("spawner")));
    outcome<ok> started = co_await application::start(g);
    EXPECT_TRUE(started.has_value());
    server_ref<spawner> top("spawner");
    pid outside = co_await call<spawn_loose>(top);
    std::optional<std::string> whose = co_await application::get_application(outside);
    EXPECT_EQ(whose, "g");
    std::optional<std::string> mine = co_await application::get_application(me);
    EXPECT_FALSE(mine.has_value());
    co_await application::stop("g");
    co_await idle_for(1ms);
    EXPECT_FALSE(is_process_alive(outside));
  });
}

struct told {
  std::string what;
};

process listener(self me, pid observer) {
  for (;;) {
    told t = co_await me.receive<told>();
    send(observer, seen{t.what});
  }
}

task<> prepare_to_stop() {
  send("ears"_atom, told{"prep_stop"});
  co_await idle_for(1s); // draining
}
task<> stopped() {
  send("ears"_atom, told{"stop"});
  co_return;
}

TEST(application, prep_stop_and_stop_are_called_around_the_end) {
  watched_node n;
  n.run([](self me) -> task<> {
    co_await application::start_controller();
    pid ears = spawn(listener, pid(me));
    register_name("ears"_atom, ears);
    application_spec a = app(me, "a").prep_stop(&prepare_to_stop).stop(&stopped);
    outcome<ok> started = co_await application::start(a);
    co_await application::stop("a");
    co_await idle_for(1ms);
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "prep_stop", "end a shutdown", "stop"));
  });
}

struct consequence {
  std::string name;
  application_type type;
  std::string reason; // of the top supervisor's end
  bool fatal;         // the node stops, with status 1
};

class application_types : public ::testing::TestWithParam<consequence> {};

process just_ends(self me) {
  end_with m = co_await me.receive<end_with>();
  exit(exit_reason(m.reason));
}

TEST_P(application_types, decide_what_an_end_means) {
  watched_node n;
  int told_to_stop = n.run(
      [](self, consequence c) -> task<int> {
        co_await application::start_controller();
        application_spec a = application_spec("a").start(child_process("top", &just_ends));
        outcome<ok> started = co_await application::start(a, c.type);
        for (const process_summary& p : this_node().processes()) {
          send(p.process, end_with{term(atom(c.reason))});
        }
        co_await idle_for(1ms);
        std::vector<application_info> running = co_await application::which_applications();
        co_return running.empty() ? 0 : -1;
      },
      GetParam());
  EXPECT_EQ(told_to_stop, 0);
  const report* end = nullptr;
  for (const report& r : *n.reports) {
    if (r.kind == "application_stopped") end = &r;
  }
  ASSERT_NE(end, nullptr);
  const bool fatal = GetParam().fatal;
  EXPECT_EQ(end->level == severity::critical, fatal);
  if (!fatal) n.n.request_stop(7);
  EXPECT_EQ(n.n.run_until_stopped(), fatal ? 1 : 7);
}

INSTANTIATE_TEST_SUITE_P(
    application, application_types,
    ::testing::Values(consequence{"permanent_normal", application_type::permanent, "normal", true},
                      consequence{"permanent_crash", application_type::permanent, "crash", true},
                      consequence{"transient_normal", application_type::transient, "normal", false},
                      consequence{"transient_crash", application_type::transient, "crash", true},
                      consequence{"temporary_crash", application_type::temporary, "crash", false}),
    [](const auto& one) { return one.param.name; });

// The node's shutdown stops them, last started first, and each tree from the leaves.
TEST(application, shutdown_in_reverse_order) {
  auto log = std::make_shared<strings>();
  node_options options = stepped();
  options.on_report = [log](const report& r) {
    if (r.kind != "application_stopped") return;
    for (const auto& [key, value] : r.fields) {
      if (key == "application") log->emplace_back(value.as_atom()->name());
    }
  };
  node n(options);
  std::vector<application_spec> all;
  strings of_b(1, "a");
  all.push_back(app(pid(), "b", of_b));
  all.push_back(app(pid(), "a"));
  outcome<ok> up = application::boot(n, all);
  ASSERT_TRUE(up.has_value());
  EXPECT_TRUE(n.whereis("b_sup"_atom).has_value());
  EXPECT_TRUE(n.shutdown());
  EXPECT_THAT(*log, ElementsAre("b", "a"));
}

// A permanent application that ends takes the node along.
TEST(application, permanent_end_stops_the_node) {
  watched_node n;
  std::vector<application_spec> all;
  all.push_back(app(pid(), "a"));
  outcome<ok> up = application::boot(n.n, all);
  ASSERT_TRUE(up.has_value());
  n.n.exit(*n.n.whereis("a_sup"_atom), exit_reason::kill());
  n.n.run_until_idle();
  EXPECT_EQ(n.n.run_until_stopped(), 1);
}

TEST(application, without_a_controller) {
  watched_node n;
  n.run([](self) -> task<> {
    outcome<ok> r = co_await application::start("a");
    EXPECT_EQ(r.error().what, application_fault::no_answer);
    EXPECT_THAT(r.error().message(), HasSubstr("application::boot"));
  });
}

} // namespace
} // namespace coppice::testing
