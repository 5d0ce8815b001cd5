// A gen_event as an Erlang node sees it: its commands and answers are terms, those of OTP 25's gen_event.
#include "coppice/otp/gen_event.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace coppice {
namespace {

using namespace literals;
using ::testing::ElementsAre;

struct said {
  std::string text;
};
struct poked {
  int n;
};
struct get_seen {};
struct explode {};

class ear : public event_handler {
public:
  using protocol =
      coppice::protocol<events<said>, infos<poked>, calls<get_seen, std::string>, calls<explode, int>>;
  explicit ear(shared_diary d) : diary_(std::move(d)) {}
  void handle_event(const said& e) { diary_->push_back("said " + e.text); }
  void handle_info(const poked& p) { diary_->push_back("poked " + std::to_string(p.n)); }
  std::string handle_call(get_seen) { return "all"; }
  int handle_call(explode) { throw std::runtime_error("boom"); }
  term terminate(const term& why) {
    if (why == term("fail"_atom)) throw std::runtime_error("no way out");
    return term::tuple("last"_atom, why);
  }

private:
  shared_diary diary_;
};

/// Takes whatever comes.
class any_ear : public event_handler {
public:
  explicit any_ear(shared_diary d) : diary_(std::move(d)) {}
  void handle_event(const term& e) { diary_->push_back("event " + to_string(e)); }
  void handle_info(const term& m) { diary_->push_back("info " + to_string(m)); }
  void handle_call(const term& request, from who) { who.reply(term::tuple("echo"_atom, request)); }

private:
  shared_diary diary_;
};

struct stage {
  server_ref<gen_event> m;
  shared_diary d = std::make_shared<diary>();
};

task<stage> start_manager() {
  stage st;
  start_result<gen_event> started = co_await start<gen_event>();
  st.m = *started;
  auto one = co_await add_handler<ear>(st.m, st.d);
  auto two = co_await add_handler<ear>(st.m, with_id(7), st.d);
  EXPECT_TRUE(one && two);
  co_return st;
}

/// What it answers to `{Pid, {Pid, Tag}, Command}`.
task<std::string> asked(server_ref<gen_event> m, std::string command) {
  term request = *parse_term(command);
  std::expected<term, exit_reason> answer = co_await try_call_any<term>(m.name(), request);
  co_return answer ? to_string(*answer) : "fails: " + answer.error().to_string();
}

TEST(event_commands, are_answered_as_otps_manager_does) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_manager();
    const std::pair<const char*, const char*> table[] = {
        {"which_handlers", "[{ear,7},ear]"},
        {"get_modules", "[ear]"},
        {"{call,ear,get_seen}", "<<\"all\">>"},
        {"{call,{ear,7},get_seen}", "<<\"all\">>"},
        {"{call,{ear,8},get_seen}", "{error,bad_module}"},
        {"{call,nobody,get_seen}", "{error,bad_module}"},
        {"{call,[],get_seen}", "{error,bad_module}"},
        {"{call,ear,what}", "fails: {bad_request,what}"},
        {"{sync_notify,{said,<<\"hi\">>}}", "ok"},
        {"{sync_notify,unheard}", "ok"},
        {"{delete_handler,nobody,why}", "{error,module_not_found}"},
        {"{delete_handler,\"x\",why}", "{error,module_not_found}"},
        {"{delete_handler,{ear,7},why}", "{last,why}"},
        {"which_handlers", "[ear]"},
        {"{delete_handler,ear,fail}", "{'EXIT',{'std::runtime_error',<<\"no way out\">>}}"},
        {"which_handlers", "[]"},
        {"get_modules", "[]"},
        {"{add_handler,ear,[]}", "{error,{cannot_add_from_afar,ear}}"},
        {"{add_handler,{ear,1},[]}", "{error,{cannot_add_from_afar,{ear,1}}}"},
        {"{add_sup_handler,ear,[],pid}", "{error,{cannot_add_from_afar,ear}}"},
        {"{swap_handler,ear,a,other,b}", "{error,{cannot_add_from_afar,other}}"},
        {"{swap_sup_handler,ear,a,other,b,pid}", "{error,{cannot_add_from_afar,other}}"},
        {"nonsense", "fails: {bad_request,nonsense}"},
        {"stop", "ok"},
    };
    for (const auto& [command, expected] : table) {
      std::string answer = co_await asked(st.m, command);
      EXPECT_EQ(answer, expected) << command;
    }
    EXPECT_THAT(*st.d, ElementsAre("said hi", "said hi"));
    co_await yield();
    EXPECT_FALSE(is_process_alive(*st.m.resolve()));
  });
}

TEST(event_commands, a_handler_that_crashes_on_a_call_goes) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_manager();
    std::string answer = co_await asked(st.m, "{call,{ear,7},explode}");
    EXPECT_EQ(answer, "{error,{'EXIT',{'std::runtime_error',<<\"boom\">>}}}");
    std::string left = co_await asked(st.m, "which_handlers");
    EXPECT_EQ(left, "[ear]");
  });
  EXPECT_EQ(f.count("gen_event_crash"), 1U);
}

TEST(event_commands, notify_and_messages_come_as_terms) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_manager();
    auto any = co_await add_handler<any_ear>(st.m, st.d);
    const pid manager = *st.m.resolve();
    send(manager, *parse_term("{notify,{said,<<\"far\">>}}"));
    send(manager, *parse_term("{poked,4}"));
    send(manager, *parse_term("{notify,{poked,5}}"));
    std::string answer = co_await asked(st.m, "{call,any_ear,{what,1}}");
    EXPECT_EQ(answer, "{echo,{what,1}}");
    EXPECT_THAT(*st.d, ElementsAre("event {said,<<\"far\">>}", "said far", "said far", "info {poked,4}",
                                   "poked 4", "poked 4", "event {poked,5}"));
  });
}

} // namespace
} // namespace coppice
