// System messages as another node sends them, and the answers that it gets. The answers of OTP 25 were had
// from its own sys.
#include "coppice/otp/detail/sys_protocol.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/gen_statem.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using detail::sys_reply;
using detail::sys_request;

struct write {
  int n;
};
struct read {};

class scribe : public gen_server {
public:
  using protocol = coppice::protocol<casts<write>, calls<read, int>>;
  void handle_cast(write m) { last_ = m.n; }
  int handle_call(read) const { return last_; }
  term state() const { return last_; }
  void code_change(const term&, const term& extra) {
    if (extra == term("fail"_atom)) throw std::runtime_error("cannot");
  }

private:
  int last_ = 3;
};

std::string with(std::string text, pid process, const std::string& name) {
  const std::string shown = to_string(term(process));
  for (auto at = text.find(shown); at != std::string::npos; at = text.find(shown)) {
    text.replace(at, shown.size(), name);
  }
  return text;
}

/// What a server answers to `{system, From, Request}`, as text with PID for the server's pid and ME for that
/// of who asks.
task<std::string> asked(server_name server, std::string request) {
  std::optional<sys_request> r = detail::sys_request_from_term(*parse_term(request));
  try_call_awaiter<term> call = try_call_any<term>(server, std::move(*r));
  std::expected<term, exit_reason> answer = co_await call;
  std::string text = to_string(answer ? *answer : answer.error().value());
  text = with(std::move(text), *server.resolve(), "PID");
  co_return with(std::move(text), self_pid(), "ME");
}

TEST(sys_protocol, requests_are_those_of_otp) {
  for (const char* text : {"get_state",
                           "get_status",
                           "suspend",
                           "resume",
                           "{debug,{trace,true}}",
                           "{debug,{trace,false}}",
                           "{debug,{log,{true,3}}}",
                           "{debug,{log,false}}",
                           "{debug,{log,get}}",
                           "{debug,{log,print}}",
                           "{debug,{statistics,true}}",
                           "{debug,{statistics,false}}",
                           "{debug,{statistics,get}}",
                           "{debug,no_debug}",
                           "{debug,{remove,spy}}",
                           "{change_code,m,undefined,{x,1}}",
                           "{terminate,{why,1}}",
                           "{replace_state,f}",
                           "{debug,{install,{id,f,s}}}",
                           "{debug,nonsense}",
                           "hello"}) {
    auto request = from_term<sys_request>(*parse_term(text));
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(to_string(to_term(*request)), text);
  }
  EXPECT_EQ(to_string(to_term(*detail::sys_request_from_term(*parse_term("{debug,{log,true}}")))),
            "{debug,{log,{true,10}}}");
  const term far_too_many = *parse_term("{debug,{log,{true,100000000000000000000}}}");
  EXPECT_EQ(to_string(to_term(*detail::sys_request_from_term(far_too_many))), "{debug,{log,{true,10000}}}");
}

TEST(sys_protocol, a_function_stays_on_its_node) {
  sys_request r;
  r.request = sys_request::what::replace_state;
  EXPECT_EQ(to_string(to_term(r)), "{replace_state,function_of_another_node}");
  r.request = sys_request::what::install;
  EXPECT_EQ(to_string(to_term(r)), "{debug,{install,function_of_another_node}}");
}

TEST(sys_protocol, a_server_answers_as_otps_do) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<scribe> s = co_await start<scribe>();
    const std::pair<const char*, const char*> table[] = {
        {"get_state", "3"},
        {"{debug,{statistics,get}}", "{ok,no_statistics}"},
        {"{debug,{log,get}}", "{ok,[]}"},
        {"{debug,{trace,true}}", "ok"},
        {"{debug,{trace,false}}", "ok"},
        {"{debug,{log,true}}", "ok"},
        {"{debug,{log,{true,2}}}", "ok"},
        {"{debug,{log,print}}", "ok"},
        {"{debug,{log,{true,0}}}", "unknown_debug"},
        {"{debug,{log,maybe}}", "unknown_debug"},
        {"{debug,{log,false}}", "ok"},
        {"{debug,{statistics,true}}", "ok"},
        {"{debug,{statistics,false}}", "ok"},
        {"{debug,{statistics,maybe}}", "unknown_debug"},
        {"{debug,{remove,nobody}}", "ok"},
        {"{debug,no_debug}", "ok"},
        {"{debug,hello}", "unknown_debug"},
        {"{debug,{install,{f,s}}}", "{error,{cannot_run_fun,{f,s}}}"},
        {"{debug,{install,{id,f,s}}}", "{error,{cannot_run_fun,{id,f,s}}}"},
        {"{debug,{log_to_file,\"f\"}}", "{error,open_file}"},
        {"{debug,{log_to_file,false}}", "ok"},
        {"{replace_state,f}", "{error,{cannot_run_fun,f}}"},
        {"hello", "{error,{unknown_system_msg,hello}}"},
        {"{change_code,m,1}", "{error,{unknown_system_msg,{change_code,m,1}}}"},
        {"{change_code,m,1,x}", "{error,not_suspended}"},
        {"suspend", "ok"},
        {"get_state", "3"},
        {"{change_code,m,1,x}", "ok"},
        {"{change_code,m,1,fail}",
         "{error,{callback_failed,code_change,{'std::runtime_error',<<\"cannot\">>}}}"},
        {"resume", "ok"},
        {"{terminate,shutdown}", "ok"},
    };
    for (const auto& [request, expected] : table) {
      std::string answer = co_await asked(s->name(), request);
      EXPECT_EQ(answer, expected) << request;
    }
    co_await yield();
    EXPECT_FALSE(is_process_alive(*s->resolve()));
  });
}

TEST(sys_protocol, the_log_and_the_figures) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<scribe> s = co_await start<scribe>();
    std::string log_on = co_await asked(s->name(), "{debug,{log,{true,2}}}");
    std::string figures_on = co_await asked(s->name(), "{debug,{statistics,true}}");
    EXPECT_EQ(log_on + figures_on, "okok");
    for (int i = 0; i < 3; ++i) cast<write>(*s, i);
    std::string log = co_await asked(s->name(), "{debug,{log,get}}");
    EXPECT_EQ(log, "{ok,[{in,{write,1}},{in,{write,2}}]}");
    std::expected<std::vector<term>, exit_reason> here = co_await sys::get_log(s->name());
    EXPECT_EQ(to_string(here->at(1)), "{in,{write,2}}");
    std::string printed = co_await asked(s->name(), "{debug,{log,print}}");
    EXPECT_EQ(printed, "ok");
    co_await idle_for(7s);
    std::string figures = co_await asked(s->name(), "{debug,{statistics,get}}");
    auto read = from_term<sys_reply<sys::statistics>>(*parse_term(figures));
    EXPECT_EQ(read->outcome->messages_in, 3U);
    EXPECT_EQ(read->outcome->messages_out, 0U);
    EXPECT_GE(read->outcome->current_time - read->outcome->start_time, 7s);
  });
  EXPECT_EQ(f.count("sys_trace"), 2U) << "the log, printed";
}

// ---- get_status of each behaviour ------------------------------------------------------------------------

enum class door { closed, open };
class gate : public gen_statem {
public:
  using state = door;
  door init() { return door::closed; }
  term data() const { return 7; }
};

class ear : public event_handler {
public:
  term state() const { return "listening"_atom; }
};

class nursery : public supervisor {};

TEST(sys_protocol, every_behaviour_tells_its_status) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<scribe> server = co_await start<scribe>(local("server"));
    std::string status = co_await asked(server->name(), "get_status");
    EXPECT_EQ(status,
              "{status,PID,{module,gen_server},[[{'$initial_call',{scribe,init,1}},{'$ancestors',[ME]}],"
              "running,PID,[],[{header,\"Status for generic server server\"},{data,[{\"Status\",running}"
              ",{\"Parent\",PID},{\"Logged events\",[]}]},{data,[{\"State\",3}]}]]}");
    start_result<gate> machine = co_await start<gate>();
    std::string of_machine = co_await asked(machine->name(), "get_status");
    EXPECT_EQ(
        of_machine,
        "{status,PID,{module,gen_statem},[[{'$initial_call',{gate,init,1}},{'$ancestors',[ME]}],running,PID,"
        "[],[{header,\"Status for state machine PID\"},{data,[{\"Status\",running},{\"Parent\",PID},"
        "{\"Modules\",[gate]},{\"Logged Events\",[]}]},{data,[{\"State\",{closed,7}}]}]]}");
    start_result<gen_event> manager = co_await start<gen_event>();
    auto added = co_await add_handler<ear>(*manager, with_id(7));
    EXPECT_TRUE(added.has_value());
    std::string of_manager = co_await asked(manager->name(), "get_status");
    EXPECT_EQ(
        of_manager,
        "{status,PID,{module,gen_event},[[{'$initial_call',{gen_event,init_it,6}},{'$ancestors',[ME]}],"
        "running,PID,[],[{header,\"Status for event handler PID\"},{data,[{\"Status\",running},"
        "{\"Logged Events\",[]},{\"Parent\",PID}]},{items,{\"Installed handlers\",[{handler,ear,7,listening,"
        "false}]}}]]}");
    auto sup = co_await start_link<plain_supervisor>(supervisor_flags(), std::vector<child_spec>());
    std::string of_sup = co_await asked(sup->name(), "get_status");
    EXPECT_THAT(of_sup,
                ::testing::StartsWith("{status,PID,{module,gen_server},[[{'$initial_call',{supervisor,"
                                      "plain_supervisor,1}},{'$ancestors',[ME]}],running,ME,"));
    EXPECT_THAT(of_sup, ::testing::EndsWith(",{supervisor,[{\"Callback\",plain_supervisor}]}]]}"));
    std::string handlers = co_await asked(manager->name(), "get_state");
    EXPECT_EQ(handlers, "[{ear,7,listening}]");
    std::string machine_state = co_await asked(machine->name(), "get_state");
    EXPECT_EQ(machine_state, "{closed,7}");
  });
}

// ---- what Erlang's answers become here -------------------------------------------------------------------

template <class R>
std::expected<R, exit_reason> reply(const char* text) {
  auto read = from_term<sys_reply<R>>(*parse_term(text));
  if (!read) return std::unexpected(exit_reason(term(read.error().message())));
  return std::move(read->outcome);
}

TEST(sys_protocol, otps_answers_are_read) {
  EXPECT_EQ(to_string(*reply<term>("{st,1}")), "{st,1}");
  EXPECT_EQ(to_string(*reply<term>("{ok,1}")), "{ok,1}");
  EXPECT_EQ(reply<term>("{error,{callback_failed,{gen_server,system_replace_state},{error,{badfun,x}}}}")
                .error()
                .to_string(),
            "{callback_failed,{gen_server,system_replace_state},{error,{badfun,x}}}");
  EXPECT_EQ(*reply<atom>("ok"), "ok"_atom);
  EXPECT_TRUE(reply<atom>("unknown_debug").error().is("unknown_debug"));
  EXPECT_EQ(reply<atom>("{error,{unknown_system_msg,{change_code,gs,1,2}}}").error().to_string(),
            "{unknown_system_msg,{change_code,gs,1,2}}");
  EXPECT_EQ(reply<atom>("17").error().to_string(),
            "<<\"sys_reply<atom>: expected ok or {error, Reason}, got 17\">>");
  EXPECT_TRUE(reply<sys::statistics>("{ok,no_statistics}").error().is("no_statistics"));
  EXPECT_FALSE(reply<sys::statistics>("{ok,[]}").has_value());
  EXPECT_FALSE(reply<sys::statistics>("ok").has_value());
  EXPECT_EQ(reply<std::vector<term>>("{ok,[{in,a},{noreply,b}]}")->size(), 2U);
  EXPECT_FALSE(reply<std::vector<term>>("{ok,[a|b]}").has_value());
  EXPECT_FALSE(reply<sys::status>("{status,x}").has_value());
}

} // namespace
} // namespace coppice
