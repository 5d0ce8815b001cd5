#include "servers/console/core/observer.hpp"

#include <gtest/gtest.h>

#include <map>

namespace coppice::console {
namespace {

using namespace literals;

constexpr pid sup{7};

class observer_test : public testing::Test {
protected:
  report told(std::string kind, std::vector<std::pair<std::string, term>> fields, exit_reason reason = {}) {
    return report{severity::info, std::move(kind), sup, std::move(fields), std::move(reason)};
  }
  void progress(const char* id, pid child) {
    all.take(
        told("progress",
             {{"supervisor", "chat_sup"_atom}, {"id", id}, {"pid", child}, {"restart", "permanent"_atom}}));
  }
  void died(const char* id, pid child, const char* action, const char* context = "child_terminated") {
    all.take(told("supervisor_report",
                  {{"supervisor", "chat_sup"_atom},
                   {"errorContext", atom(context)},
                   {"id", id},
                   {"pid", child},
                   {"action", action}},
                  exit_reason::killed()));
  }

  std::map<pid, std::string> labels;
  std::int64_t time = 1000;
  observer all{{.summary = [this](pid p) -> std::optional<process_summary> {
                  auto found = labels.find(p);
                  if (found == labels.end()) return std::nullopt;
                  process_summary s;
                  s.process = p;
                  s.label = found->second;
                  return s;
                },
                .alive = [](pid) { return true; },
                .now = [this] { return time; }}};
};

TEST_F(observer_test, an_end_and_its_restart_are_one_entry) {
  progress("store", pid{10});
  labels[pid{11}] = "the store";
  died("store", pid{10}, "restart the child");
  EXPECT_EQ(all.log().since(1).size(), 0U) << "not before it runs again";
  progress("store", pid{11});
  std::vector<log_entry> log = all.log().since(1);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].kind, entry_kind::supervisor);
  EXPECT_EQ(log[0].action, supervisor_action::restarted);
  EXPECT_EQ(log[0].process, pid{10});
  EXPECT_EQ(log[0].new_process, pid{11});
  EXPECT_EQ(log[0].name, "the store");
  EXPECT_EQ(log[0].supervisor, "chat_sup");
  EXPECT_EQ(log[0].reason, "killed");
  EXPECT_NE(log[0].text.find("reason: killed"), std::string::npos);
  EXPECT_EQ(all.restarts(), 1U);
}

TEST_F(observer_test, a_restart_that_does_not_come_is_told_of_late) {
  progress("store", pid{10});
  died("store", pid{10}, "restart the child");
  all.flush_overdue();
  EXPECT_EQ(all.log().since(1).size(), 0U);
  time += 2000;
  all.flush_overdue();
  EXPECT_EQ(all.log().since(1).at(0).action, supervisor_action::terminated);
}

TEST_F(observer_test, tells_what_is_given_up_and_what_is_removed) {
  died("temp", pid{10}, "forget the child");
  died("temp", pid{11}, "end the supervisor", "shutdown");
  std::vector<log_entry> log = all.log().since(0);
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].action, supervisor_action::removed);
  EXPECT_EQ(log[1].action, supervisor_action::gave_up);
  EXPECT_EQ(log[1].process, sup);
}

TEST_F(observer_test, crashes_and_kills_are_entries_and_other_reports_are_not) {
  labels[sup] = "session:ann";
  all.take(told("crash_report", {{"name", "x"}}, exit_reason("boom"_atom)));
  all.take(told("long_schedule", {}));
  process_summary victim;
  victim.process = pid{3};
  victim.label = "room:#x";
  all.killed(victim);
  std::vector<log_entry> log = all.log().since(0);
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].kind, entry_kind::crash);
  EXPECT_EQ(log[0].name, "session:ann");
  EXPECT_EQ(log[0].reason, "boom");
  EXPECT_EQ(log[1].kind, entry_kind::kill);
  EXPECT_EQ(log[1].name, "room:#x");
}

TEST_F(observer_test, a_restarted_dynamic_child_is_known_by_whom_it_replaces) {
  died("session", pid{10}, "restart the child");
  labels[pid{12}] = "session:ann";
  all.take(
      told("progress",
           {{"supervisor", "session_sup"_atom}, {"id", "session"}, {"pid", pid{12}}, {"replaces", pid{10}}}));
  std::vector<log_entry> log = all.log().since(0);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].action, supervisor_action::restarted);
  EXPECT_EQ(log[0].name, "session:ann");
  EXPECT_EQ(log[0].process, pid{10});
  const std::vector<pid> one{pid{12}};
  EXPECT_TRUE(all.places_of(one).at(0).dynamic);
  EXPECT_EQ(all.places_of(one).at(0).restarts, 1U);
}

TEST_F(observer_test, a_root_started_again_is_told_of) {
  progress("a", pid{10});
  all.root_replaced(sup, pid{8});
  EXPECT_EQ(all.log().since(1).at(0).new_process, pid{8});
}

} // namespace
} // namespace coppice::console
