// Test support: a make-believe node around a supervisor core. It performs the actions at once and keeps a
// log.
#pragma once

#include "coppice/otp/detail/supervisor_core.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace coppice::detail::supervision {

inline std::shared_ptr<const child_starter> any_starter() {
  auto owner = std::make_shared<int>(0); // the core never looks at it
  return {owner, reinterpret_cast<const child_starter*>(owner.get())};
}

inline child_args any_args() {
  auto owner = std::make_shared<int>(7);
  return {owner, reinterpret_cast<const start_arguments*>(owner.get())};
}

// The ids of these tests are texts.
inline std::string text(const term& t) { return t.as_text().value_or("?"); }

inline child_spec spec(std::string id, coppice::restart r = coppice::restart::permanent) {
  child_spec s;
  s.id = std::move(id);
  s.start = any_starter();
  s.restart = r;
  return s;
}

inline supervisor_flags with(strategy s, int intensity = 3,
                             std::chrono::milliseconds period = std::chrono::seconds(5),
                             auto_shutdown mode = auto_shutdown::never) {
  return {s, intensity, period, mode};
}

inline std::string text(const exit_reason& r) { return text(r.value()); }
inline exit_info ended(exit_class kind, const char* why) { return {kind, exit_reason(term(why))}; }

inline exit_info crash() { return ended(exit_class::other, "crash"); }
inline exit_info normal() { return ended(exit_class::normal, "normal"); }

class world {
public:
  world(const supervisor_flags& flags, std::vector<child_spec> specs)
      : world(must(flags, std::move(specs))) {}
  explicit world(supervisor_core core) : core_(std::move(core)) {}

  void start() {
    core_.start(now, out_);
    settle();
  }
  void feed(event e) {
    core_.step(std::move(e), now, out_);
    settle();
  }
  reply_value ask(request r) {
    const request_token token = ++asked_;
    feed(requested{token, std::move(r)});
    auto it = replies.find(token);
    if (it == replies.end()) {
      ADD_FAILURE() << "a request was not answered";
      return ok_reply{};
    }
    return it->second;
  }
  /// The child ends by itself.
  void end(const std::string& id, exit_info why) { end(pid_of(id), std::move(why)); }
  void end(pid p, exit_info why) {
    ASSERT_TRUE(alive.erase(p)) << "no such process";
    feed(child_exited{p, std::move(why)});
  }
  void fire_timer() {
    ASSERT_NE(timer, 0U);
    feed(timer_fired{std::exchange(timer, 0)});
  }
  /// The self-messages of retry_later come round.
  void retry_all() {
    auto due = std::exchange(retries, {});
    for (auto& key : due) feed(retry{key});
  }
  pid pid_of(const std::string& id) const {
    for (const auto& c : core_.which_children()) {
      if (c.id && text(*c.id) == id) return c.pid;
    }
    return {};
  }
  std::vector<std::string> take_log() { return std::exchange(log, {}); }
  supervisor_core& core() { return core_; }

  std::chrono::nanoseconds now{0};
  std::map<std::string, std::deque<std::string>> outcomes; // of the next starts: "ignore", "fail"; else a pid
  std::set<std::string> stubborn;                          // do not end on `shutdown`
  std::map<std::string, exit_info> last_words;             // how they end on `shutdown` instead
  std::map<pid, std::string> alive;
  std::vector<std::string> log;
  std::vector<report> reports;
  std::map<request_token, reply_value> replies;
  std::vector<child_key> retries;
  timer_token timer = 0;
  std::chrono::milliseconds timer_length{0};
  std::optional<stop_self> stopped;
  bool initialized = false;
  std::size_t twice = 0; // starts of an id that was alive

private:
  static supervisor_core must(const supervisor_flags& flags, std::vector<child_spec> specs) {
    auto made = supervisor_core::make(flags, std::move(specs));
    if (!made) throw std::runtime_error(made.error().message);
    return std::move(*made);
  }

  void settle() {
    while (!out_.empty()) {
      actions todo;
      todo.swap(out_);
      for (action& a : todo) {
        std::visit([this](auto& what) { perform(what); }, a);
      }
      while (out_.empty() && !inbox_.empty()) {
        event e = std::move(inbox_.front());
        inbox_.pop_front();
        core_.step(std::move(e), now, out_);
      }
    }
  }

  void perform(start_child& a) {
    const std::string id = text(a.spec->id);
    auto& next = outcomes[id];
    std::string outcome = next.empty() ? "" : next.front();
    if (!next.empty()) next.pop_front();
    if (outcome == "ignore") {
      log.push_back("ignore " + id);
      inbox_.push_back(start_ignored{});
    } else if (outcome == "fail") {
      log.push_back("fail " + id);
      inbox_.push_back(start_failed{exit_reason(term("no"))});
    } else {
      if (core_.flags().strategy != strategy::simple_one_for_one) {
        for (const auto& entry : alive) twice += entry.second == id ? 1 : 0;
      }
      pid p{++last_pid_};
      alive.emplace(p, id);
      log.push_back("start " + id);
      inbox_.push_back(child_started{p, outcome == "extra" ? std::optional<term>("info") : std::nullopt});
    }
  }
  void perform(signal_child& a) { signal(a.pid, a.signal); }
  void perform(signal_all& a) {
    std::vector<pid> all;
    core_.for_each_dynamic([&](pid p) { all.push_back(p); });
    for (pid p : all) signal(p, a.signal);
  }
  void signal(pid p, exit_signal s) {
    auto it = alive.find(p);
    if (it == alive.end()) return;
    const std::string id = it->second;
    log.push_back((s == exit_signal::kill ? "kill " : "stop ") + id);
    exit_info why = ended(exit_class::killed, "killed");
    if (s == exit_signal::shutdown) {
      if (stubborn.contains(id)) return;
      why = ended(exit_class::shutdown, "shutdown");
      if (auto own = last_words.find(id); own != last_words.end()) why = own->second;
    }
    alive.erase(it);
    inbox_.push_back(child_exited{p, std::move(why)});
  }
  void perform(start_timer& a) {
    timer = a.timer;
    timer_length = a.after;
  }
  void perform(cancel_timer& a) {
    if (timer == a.timer) timer = 0;
  }
  void perform(report& a) {
    if (a.kind != report_kind::progress) reports.push_back(a);
  }
  void perform(reply& a) { EXPECT_TRUE(replies.emplace(a.token, a.value).second) << "answered twice"; }
  void perform(retry_later& a) { retries.push_back(a.key); }
  void perform(supervision::initialized&) { initialized = true; }
  void perform(stop_self& a) {
    EXPECT_TRUE(alive.empty()) << "stopped before its children";
    stopped = a;
  }

  supervisor_core core_;
  actions out_;
  std::deque<event> inbox_;
  std::uint64_t last_pid_ = 0;
  request_token asked_ = 0;
};

/// The children's ids, as the core lists them.
inline std::vector<std::string> ids(world& w) {
  std::vector<std::string> all;
  for (const auto& c : w.core().which_children()) all.push_back(c.id ? text(*c.id) : "-");
  return all;
}

using log_lines = std::vector<std::string>;

/// A world whose supervisor has started its children; what it did for that is forgotten.
inline world started(const supervisor_flags& flags, std::vector<child_spec> specs) {
  world w(flags, std::move(specs));
  w.start();
  EXPECT_TRUE(w.initialized);
  w.log.clear();
  return w;
}

} // namespace coppice::detail::supervision
