// Statuses and statistics as terms: what OTP 25's behaviours answer is read, and written the same.
#include "coppice/otp/sys_status.hpp"

#include "coppice/otp/detail/sys_protocol.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

/// As `sys:get_status/1` answers on OTP 25.2, printed by `io:format("~tw")` but for strings.
constexpr const char* of_gen_server =
    "{status,<0.79.0>,{module,gen_server},[[{'$initial_call',{gs,init,1}},{'$ancestors',[<0.9.0>]}],running,"
    "<0.9.0>,[],[{header,\"Status for generic server "
    "chat\"},{data,[{\"Status\",running},{\"Parent\",<0.9.0>},"
    "{\"Logged events\",[]}]},{data,[{\"State\",{st,1}}]}]]}";
constexpr const char* of_nameless_gen_server =
    "{status,<0.80.0>,{module,gen_server},[[{'$initial_call',{gs,init,1}},{'$ancestors',[<0.9.0>]}],"
    "suspended,"
    "<0.9.0>,[],[{header,\"Status for generic server <0.80.0>\"},{data,[{\"Status\",suspended},{\"Parent\","
    "<0.9.0>},{\"Logged events\",[{in,{'$gen_cast',y}},{noreply,{st,1}}]}]},{data,[{\"State\",{st,1}}]}]]}";
constexpr const char* of_global_gen_server =
    "{status,<0.81.0>,{module,gen_server},[[{'$initial_call',{gs,init,1}},{'$ancestors',[<0.9.0>]}],running,"
    "<0.9.0>,[],[{header,{\"Status for generic server\",{a,b}}},{data,[{\"Status\",running},{\"Parent\","
    "<0.9.0>},{\"Logged events\",[]}]},{data,[{\"State\",{st,1}}]}]]}";
constexpr const char* of_gen_statem =
    "{status,<0.82.0>,{module,gen_statem},[[{'$initial_call',{sm,init,1}},{'$ancestors',[<0.9.0>]}],running,"
    "<0.9.0>,[],[{header,\"Status for state machine sm\"},{data,[{\"Status\",running},{\"Parent\",<0.9.0>},"
    "{\"Modules\",[sm]},{\"Time-outs\",{0,[]}},{\"Logged Events\",[]},{\"Postponed\",[]}]},{data,[{\"State\","
    "{idle,data}}]}]]}";
constexpr const char* of_gen_event =
    "{status,<0.83.0>,{module,gen_event},[[{'$initial_call',{gen_event,init_it,6}},{'$ancestors',[<0.9.0>]}],"
    "running,<0.9.0>,[],[{header,\"Status for event handler ev\"},{data,[{\"Status\",running},{\"Logged "
    "Events\""
    ",[]},{\"Parent\",<0.9.0>}]},{items,{\"Installed handlers\",[{handler,ge,7,h7,false},{handler,ge,false,h,"
    "false}]}}]]}";
constexpr const char* of_supervisor =
    "{status,<0.84.0>,{module,gen_server},[[{'$initial_call',{supervisor,su,1}},{'$ancestors',[<0.9.0>]}],"
    "running,<0.9.0>,[],[{header,\"Status for generic server "
    "mysup\"},{data,[{\"Status\",running},{\"Parent\","
    "<0.9.0>},{\"Logged events\",[]}]},{data,[{\"State\",{state,{local,mysup},one_for_one}}]},{supervisor,"
    "[{\"Callback\",su}]}]]}";

sys::status read(const char* text) {
  auto status = from_term<sys::status>(*parse_term(text));
  EXPECT_TRUE(status.has_value()) << text;
  return status.value_or(sys::status());
}

TEST(sys_status, otps_are_read) {
  struct expected {
    const char* text;
    const char* module;
    const char* callback;
    const char* name;
    const char* state;
  };
  const expected table[] = {
      {of_gen_server, "gen_server", "gs", "chat", "{st,1}"},
      {of_nameless_gen_server, "gen_server", "gs", "<0.80.0>", "{st,1}"},
      {of_global_gen_server, "gen_server", "gs", "{a,b}", "{st,1}"},
      {of_gen_statem, "gen_statem", "sm", "sm", "{idle,data}"},
      {of_gen_event, "gen_event", "", "ev", "[{ge,7,h7},{ge,false,h}]"},
      {of_supervisor, "supervisor", "su", "mysup", "{state,{local,mysup},one_for_one}"},
  };
  for (const expected& e : table) {
    const sys::status s = read(e.text);
    EXPECT_EQ(s.module.name(), e.module);
    EXPECT_EQ(s.callback.name(), e.callback);
    EXPECT_EQ(to_string(s.name), e.name);
    EXPECT_EQ(to_string(s.state), e.state);
    EXPECT_EQ(to_string(s.parent), "<0.9.0>");
    EXPECT_THAT(to_string(s.dictionary), ::testing::HasSubstr("{'$ancestors',[<0.9.0>]}"));
    EXPECT_FALSE(s.hibernating);
    EXPECT_EQ(s.suspended, e.text == of_nameless_gen_server);
    EXPECT_EQ(s.log.size(), e.text == of_nameless_gen_server ? 2U : 0U);
  }
}

TEST(sys_status, ours_have_the_shape_of_otps) {
  for (const char* text :
       {of_gen_server, of_nameless_gen_server, of_global_gen_server, of_gen_event, of_supervisor}) {
    EXPECT_EQ(to_string(to_term(read(text))), text);
  }
  // Of a state machine's time-outs and postponed events nothing is told.
  std::string machine = of_gen_statem;
  for (const std::string left_out : {",{\"Time-outs\",{0,[]}}", ",{\"Postponed\",[]}"}) {
    machine.erase(machine.find(left_out), left_out.size());
  }
  EXPECT_EQ(to_string(to_term(read(of_gen_statem))), machine);
}

TEST(sys_status, what_is_ours_alone_comes_back_too) {
  sys::status s = read(of_gen_server);
  s.hibernating = true;
  s.parent = pid();
  auto back = from_term<sys::status>(to_term(s));
  EXPECT_TRUE(back->hibernating);
  for (const char* name : {"'<odd>'", "''", "{via,m,n}", "<0.1.0>"}) {
    s.name = *parse_term(name);
    EXPECT_EQ(to_string(from_term<sys::status>(to_term(s))->name), name);
  }
  EXPECT_FALSE(back->parent) << "who was started without a link says that it is its own parent";
}

// What a process of Erlang's that is no behaviour says, or one whose format_status says something else.
TEST(sys_status, other_forms_are_the_state_as_they_stand) {
  const char* of_special = "{status,<0.5.0>,{module,special},[[],running,<0.4.0>,[],{my,state}]}";
  EXPECT_EQ(to_string(read(of_special).state), "{my,state}");
  const char* of_formatted =
      "{status,<0.5.0>,{module,gen_server},[[],running,<0.4.0>,[],[{header,\"Status for "
      "generic server x\"},{data,[]},formatted]]}";
  EXPECT_THAT(to_string(read(of_formatted).state), ::testing::HasSubstr("formatted"));
}

TEST(sys_status, what_is_no_status_is_refused) {
  for (const char* text :
       {"status", "{status,a,{module,b},[1,2,3,4,5]}", "{status,<0.5.0>,b,[1,2,3,4,5]}",
        "{status,<0.5.0>,{module,b},[1,2,3,4]}", "{status,<0.5.0>,{module,b},[1,2,3,4|5]}"}) {
    EXPECT_FALSE(from_term<sys::status>(*parse_term(text)).has_value()) << text;
  }
}

TEST(sys_status, statistics_both_ways) {
  const char* text = "[{start_time,{{2026,11,23},{14,22,52}}},{current_time,{{2026,11,23},{14,23,4}}},"
                     "{reductions,262},{messages_in,2},{messages_out,1}]";
  auto s = from_term<sys::statistics>(*parse_term(text));
  ASSERT_TRUE(s.has_value());
  EXPECT_EQ(s->current_time - s->start_time, 12s);
  EXPECT_EQ(s->reductions, 262U);
  EXPECT_EQ(s->messages_in, 2U);
  EXPECT_EQ(s->messages_out, 1U);
  EXPECT_EQ(to_string(to_term(*s)), text);
  for (const char* bad :
       {"[]", "no",
        "[{start_time,{{2026,11},{14,22,52}}},{current_time,{{2026,11,23},{14,23,4}}},"
        "{reductions,262},{messages_in,2},{messages_out,1}]",
        "[{start_time,{{2026,11,23},{14,22,52}}},{current_time,{{90000,11,23},{14,23,4}}},{reductions,262},"
        "{messages_in,2},{messages_out,1}]"}) {
    EXPECT_FALSE(from_term<sys::statistics>(*parse_term(bad)).has_value()) << bad;
  }
}

} // namespace
} // namespace coppice
