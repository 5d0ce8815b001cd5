// A supervisor as an Erlang node sees it: requests and answers are terms, those of OTP 25's supervisor.
#include "coppice/otp/detail/supervisor_protocol.hpp"

#include "coppice/otp/detail/test_workers.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>

#include <utility>

namespace coppice::testing {
namespace {

class session : public gen_server {
public:
  session(std::string user, int room) : user_(std::move(user)), room_(room) {}
  term state() const { return term::tuple(user_, room_); }

private:
  std::string user_;
  int room_;
};

struct plain : gen_server {};

/// What it answers to `{'$gen_call', From, Request}`, its newest child being PID.
task<std::string> asked(server_name sup, std::string request) {
  term parsed = *parse_term(request);
  std::expected<term, exit_reason> answer = co_await try_call_any<term>(sup, parsed);
  std::string text = answer ? to_string(*answer) : "fails: " + answer.error().to_string();
  // A pid's generation is in its last number: it does not matter here.
  for (auto at = text.find("<0."); at != std::string::npos; at = text.find("<0.", at)) {
    text.replace(at, text.find('>', at) - at + 1, "PID");
  }
  co_return text;
}

using rows = std::vector<std::pair<const char*, const char*>>;

task<> check(server_name sup, rows table) {
  for (const auto& [request, expected] : table) {
    std::string answer = co_await asked(sup, request);
    EXPECT_EQ(answer, expected) << request;
  }
}

constexpr const char* spec_of_a =
    "{ok,#{id => a,modules => [plain],restart => permanent,shutdown => 5000,significant => false,"
    "start => {plain,start_link,[]},type => worker}}";

TEST(supervisor_protocol, answers_as_otps_supervisor_does) {
  watched_node n;
  n.run([](self) -> task<> {
    std::vector<child_spec> specs{
        child<plain>("a"_atom),
        child<plain_supervisor>(term::tuple("s"_atom, 1), supervisor_flags(), std::vector<child_spec>())};
    auto sup = co_await start_link<plain_supervisor>(supervisor_flags(), specs);
    const rows table = {
        {"which_children", "[{{s,1},PID,supervisor,[plain_supervisor]},{a,PID,worker,[plain]}]"},
        {"count_children", "[{specs,2},{active,2},{supervisors,1},{workers,1}]"},
        {"{get_childspec,a}", spec_of_a},
        {"{get_childspec,b}", "{error,not_found}"},
        {"{restart_child,a}", "{error,running}"},
        {"{delete_child,a}", "{error,running}"},
        {"{start_child,#{id => a,start => {m,f,[]}}}", "{error,{already_started,PID}}"},
        {"{terminate_child,a}", "ok"},
        {"{terminate_child,b}", "{error,not_found}"},
        {"{start_child,#{id => a,start => {m,f,[]}}}", "{error,already_present}"},
        {"which_children", "[{{s,1},PID,supervisor,[plain_supervisor]},{a,undefined,worker,[plain]}]"},
        {"count_children", "[{specs,2},{active,1},{supervisors,1},{workers,1}]"},
        {"{restart_child,a}", "{ok,PID}"},
        {"{restart_child,b}", "{error,not_found}"},
        {"{terminate_child,{s,1}}", "ok"},
        {"{delete_child,{s,1}}", "ok"},
        {"{delete_child,{s,1}}", "{error,not_found}"},
        {"which_children", "[{a,PID,worker,[plain]}]"},
        {"nonsense", "fails: {bad_request,nonsense}"},
    };
    co_await check(sup->name(), table);
  });
}

TEST(supervisor_protocol, specifications_from_afar_are_judged_as_by_otp) {
  watched_node n;
  n.run([](self) -> task<> {
    auto sup = co_await start_link<plain_supervisor>(supervisor_flags(), std::vector<child_spec>());
    const rows table = {
        {"{start_child,foo}", "{error,{invalid_child_spec,foo}}"},
        {"{start_child,[a|b]}", "{error,{invalid_child_spec,[a|b]}}"},
        {"{start_child,#{start => {m,f,[]}}}", "{error,missing_id}"},
        {"{start_child,#{id => z}}", "{error,missing_start}"},
        {"{start_child,#{id => z,start => {m,f,0}}}", "{error,{invalid_mfa,{m,f,0}}}"},
        {"{start_child,#{id => z,start => {m,f,[]},restart => x}}", "{error,{invalid_restart_type,x}}"},
        {"{start_child,#{id => z,start => {m,f,[]},significant => x}}", "{error,{invalid_significant,x}}"},
        {"{start_child,#{id => z,start => {m,f,[]},type => x}}", "{error,{invalid_child_type,x}}"},
        {"{start_child,#{id => z,start => {m,f,[]},shutdown => -1}}", "{error,{invalid_shutdown,-1}}"},
        {"{start_child,#{id => z,start => {m,f,[]},modules => x}}", "{error,{invalid_modules,x}}"},
        {"{start_child,#{id => z,start => {m,f,[]},modules => [1]}}", "{error,{invalid_module,1}}"},
        {"{start_child,{z,{m,f,[]},often,5000,worker,[m]}}", "{error,{invalid_restart_type,often}}"},
        // What OTP would start.
        {"{start_child,#{id => z,start => {m,f,[1]}}}", "{error,{cannot_start_here,{m,f,[1]}}}"},
        {"{start_child,{z,{m,f,[]},permanent,5000,worker,dynamic}}", "{error,{cannot_start_here,{m,f,[]}}}"},
        {"which_children", "[]"},
    };
    co_await check(sup->name(), table);
  });
}

TEST(supervisor_protocol, children_of_a_template_start_with_arguments_from_afar) {
  watched_node n;
  n.run([](self) -> task<> {
    std::vector<child_spec> specs{child_template<session, std::string, int>("t"_atom)};
    supervisor_flags simple{.strategy = strategy::simple_one_for_one};
    auto sup = co_await start_link<plain_supervisor>(simple, specs);
    const rows table = {
        {"{start_child,[<<\"bob\">>,5]}", "{ok,PID}"},
        {"which_children", "[{undefined,PID,worker,[session]}]"},
        {"count_children", "[{specs,1},{active,1},{supervisors,0},{workers,1}]"},
        {"{terminate_child,t}", "{error,simple_one_for_one}"},
        {"{restart_child,t}", "{error,simple_one_for_one}"},
        {"{delete_child,t}", "{error,simple_one_for_one}"},
        {"{start_child,[<<\"bob\">>]}",
         "{error,{badarg,<<\"start_child: the child takes (string, int32), not [<<\\\"bob\\\">>]\">>}}"},
        {"{start_child,[1,2]}",
         "{error,{badarg,<<\"start_child: the child takes (string, int32), not [1,2]\">>}}"},
        {"{start_child,[]}", "{error,{badarg,<<\"start_child: the child takes (string, int32), not ()\">>}}"},
        {"{start_child,#{id => z,start => {m,f,[]}}}", "{error,simple_one_for_one}"},
    };
    co_await check(sup->name(), table);
    std::expected<std::vector<child_info>, child_error> all = co_await which_children(*sup);
    const pid bob = all->at(0).pid;
    std::expected<term, exit_reason> state = co_await sys::get_state(bob);
    EXPECT_EQ(to_string(*state), "{<<\"bob\">>,5}");
    term end_him = term::tuple("terminate_child"_atom, bob);
    term ended = co_await call_any<term>(sup->name(), end_him);
    EXPECT_EQ(ended, term("ok"_atom));
  });
}

TEST(supervisor_protocol, a_child_from_afar_is_restarted_with_its_arguments) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> specs{child_template<session, std::string, int>("t"_atom)};
    supervisor_flags simple{.strategy = strategy::simple_one_for_one};
    auto sup = co_await start_link<plain_supervisor>(simple, specs);
    std::string started = co_await asked(sup->name(), "{start_child,[<<\"bob\">>,5]}");
    EXPECT_EQ(started, "{ok,PID}");
    std::expected<std::vector<child_info>, child_error> before = co_await which_children(*sup);
    co_await kill_child(me, sup->name(), before->at(0).pid);
    std::expected<std::vector<child_info>, child_error> after = co_await which_children(*sup);
    EXPECT_NE(after->at(0).pid, before->at(0).pid);
    std::expected<term, exit_reason> state = co_await sys::get_state(after->at(0).pid);
    EXPECT_EQ(to_string(*state), "{<<\"bob\">>,5}");
  });
}

// ---- ours to Erlang's ------------------------------------------------------------------------------------

TEST(supervisor_protocol, requests_are_those_of_otp) {
  using namespace coppice::detail;
  auto arguments = std::make_shared<const typed_arguments<std::string, int>>("bob", 5);
  EXPECT_EQ(to_string(to_term(asked::start_dynamic{arguments})), "{start_child,[<<\"bob\">>,5]}");
  EXPECT_EQ(to_string(to_term(asked::start_dynamic{})), "{start_child,[]}");
  EXPECT_EQ(to_string(to_term(asked::which_children{})), "which_children");
  EXPECT_EQ(to_string(to_term(asked::terminate_child{term(1)})), "{terminate_child,1}");
  const char* spec = "#{id => a,modules => [gen_server],restart => transient,shutdown => brutal_kill,"
                     "significant => false,start => {gen_server,start_link,[gs,1,[]]},type => worker}";
  auto read = from_term<child_spec>(*parse_term(spec));
  EXPECT_EQ(to_string(to_term(asked::start_child{*read})), "{start_child," + std::string(spec) + "}");
}

template <class R>
child_error error_in(const char* text) {
  auto read = from_term<coppice::detail::supervisor_reply<R>>(*parse_term(text));
  return read.value().outcome.error();
}

TEST(supervisor_protocol, otps_answers_are_read) {
  auto children = from_term<coppice::detail::supervisor_reply<std::vector<child_info>>>(
      *parse_term("[{s,<0.87.0>,supervisor,[supervisor]},{m,<0.86.0>,worker,dynamic},{a,undefined,worker,"
                  "[gen_server]},{r,restarting,worker,[x]},{undefined,<0.88.0>,worker,[y]}]"));
  const std::vector<child_info>& all = children->outcome.value();
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].type, child_type::supervisor);
  EXPECT_TRUE(all[1].modules.empty());
  EXPECT_FALSE(all[2].pid);
  EXPECT_TRUE(all[3].restarting);
  EXPECT_FALSE(all[4].id.has_value());
  child_error failed =
      error_in<pid>("{error,{no,{child,undefined,z,{su,bad,[]},permanent,false,5000,worker,[su]}}}");
  EXPECT_EQ(failed.what, supervisor_error::start_failed);
  EXPECT_TRUE(failed.reason.is("no"));
  EXPECT_EQ(error_in<pid>("{error,no}").reason.to_string(), "no");
  EXPECT_EQ(error_in<pid>("{error,missing_id}").what, supervisor_error::bad_child_spec);
  EXPECT_EQ(error_in<pid>("{error,{invalid_restart_type,x}}").what, supervisor_error::bad_child_spec);
  EXPECT_EQ(error_in<pid>("{error,{already_started,<0.85.0>}}").what, supervisor_error::already_started);
  EXPECT_EQ(error_in<ok>("{error,simple_one_for_one}").what, supervisor_error::simple_one_for_one);
}

} // namespace
} // namespace coppice::testing
