// Behaviours of one node of ours asked by another, and what keeps its order between them.
#include "coppice/dist/detail/test_cluster.hpp"
#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/gen_statem.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/term/text.hpp"

#include <gtest/gtest.h>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;

const atom b_name("b@127.0.0.1");
server_name on_b(const char* name) { return server_name(remote_name{atom(name), b_name}); }

// --- the behaviours ---------------------------------------------------------------------------------------

struct deposit {
  int sum;
};
struct balance {};

class bank : public gen_server {
public:
  using protocol = coppice::protocol<casts<deposit>, calls<balance, int>>;
  void handle_cast(deposit d) { sum_ += d.sum; }
  int handle_call(balance) const { return sum_; }
  term state() const { return term::tuple("holds"_atom, sum_); }

private:
  int sum_ = 0;
};

enum class door { locked, open };
struct unlock {
  int code;
};
struct look {};

class gate : public gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<casts<unlock>, calls<look, door>>;
  door init() { return door::locked; }
  next<door> handle_event(door now, unlock u) { return u.code == 7 ? door::open : now; }
  door handle_event(door now, look) { return now; }
  term data() const { return 7; }
};

struct said {
  std::string text;
};
struct heard {};
struct fail_now {};

class ear : public event_handler {
public:
  using protocol = coppice::protocol<events<said>, calls<heard, std::string>, calls<fail_now, int>>;
  void handle_event(const said& e) { all_ += e.text; }
  void handle_info(const term& other) { all_ += "(" + to_string(other) + ")"; }
  std::string handle_call(heard) const { return all_; }
  int handle_call(fail_now) const { exit(exit_reason("wished"_atom)); }
  term terminate(const term& why) { return term::tuple("heard"_atom, all_, why); }

private:
  std::string all_;
};

class behaviours_of_another : public testing::Test {
protected:
  void SetUp() override {
    const bool started = b.run([](self) -> task<bool> {
      auto server = co_await coppice::start<bank>(local("bank"));
      auto machine = co_await coppice::start<gate>(local("gate"));
      auto manager = co_await coppice::start<gen_event>(local("manager"));
      auto handler = co_await add_handler<ear>(*manager);
      co_return server&& machine&& manager&& handler;
    });
    ASSERT_TRUE(started);
  }

  const std::uint16_t mapper = port_for_mapper();
  test_member b{"b", mapper, false};
  test_member a{"a", mapper, false};
};

TEST_F(behaviours_of_another, sys_asks_them) {
  a.run([](self) -> task<> {
    const server_name server = on_b("bank");
    auto state = co_await sys::get_state(server);
    EXPECT_EQ(to_string(*state), "{holds,0}");
    auto status = co_await sys::get_status(server);
    EXPECT_EQ(status->module, "gen_server"_atom);
    auto logging = co_await sys::log(server, 5);
    EXPECT_TRUE(logging);
    auto counting = co_await sys::count_statistics(server, true);
    EXPECT_TRUE(counting);
    server_ref<bank> there(server);
    cast<deposit>(there, 5);
    int sum = co_await call<balance>(there);
    EXPECT_EQ(sum, 5);
    auto events = co_await sys::get_log(server);
    EXPECT_EQ(to_string(events->at(0)), "{in,{deposit,5}}");
    auto figures = co_await sys::get_statistics(server);
    EXPECT_EQ(figures->messages_in, 2U);
    auto suspended = co_await sys::suspend(server);
    EXPECT_TRUE(suspended);
    auto in_vain = co_await try_call<balance>(there, within(1ms));
    EXPECT_EQ(in_vain.error().to_string(), "timeout");
    auto resumed = co_await sys::resume(server);
    EXPECT_TRUE(resumed);
    int again = co_await call<balance>(there);
    EXPECT_EQ(again, 5);
  });
}

TEST_F(behaviours_of_another, a_statem_takes_casts_and_calls) {
  a.run([](self) -> task<> {
    server_ref<gate> there(on_b("gate"));
    cast<unlock>(there, 1);
    door closed = co_await call<look>(there);
    EXPECT_EQ(closed, door::locked);
    cast<unlock>(there, 7);
    door opened = co_await call<look>(there);
    EXPECT_EQ(opened, door::open);
    auto state = co_await sys::get_state(there.name());
    EXPECT_EQ(to_string(*state), "{open,7}");
  });
}

TEST_F(behaviours_of_another, an_event_manager_is_told_and_asked) {
  a.run([](self) -> task<> {
    server_ref<gen_event> there(on_b("manager"));
    const handler_ref<ear> its_ear(there.name());
    notify<said>(there, "a");
    atom done = co_await sync_notify<said>(there, "b");
    EXPECT_EQ(done, "ok"_atom);
    std::string all = co_await call<heard>(its_ear);
    EXPECT_EQ(all, "ab");
    auto handlers = co_await which_handlers(there);
    EXPECT_EQ(handlers->size(), 1U);
    EXPECT_EQ(handlers->at(0).module, "ear"_atom);
    auto state = co_await sys::get_state(there.name());
    EXPECT_EQ(to_string(*state), "[{ear,false,ear}]");
    auto gone = co_await delete_handler(its_ear, term("why"_atom));
    EXPECT_EQ(to_string(*gone), "{heard,<<\"ab\">>,why}");
  });
}

TEST_F(behaviours_of_another, an_event_manager_says_what_is_wrong) {
  a.run([](self) -> task<> {
    server_ref<gen_event> there(on_b("manager"));
    const handler_ref<ear> nobody(there.name(), {"ear"_atom, term(1)});
    auto bad = co_await try_call<heard>(nobody);
    EXPECT_EQ(bad.error().to_string(), "bad_module");
    auto none = co_await delete_handler(nobody);
    EXPECT_EQ(none.error().to_string(), "module_not_found");
    auto added = co_await add_handler<ear>(there);
    EXPECT_EQ(added.error().to_string(), "{cannot_add_from_afar,ear}");
    auto swapped = co_await swap_handler<ear>(nobody, term(1));
    EXPECT_EQ(swapped.error().to_string(), "{cannot_add_from_afar,ear}");
    const handler_ref<ear> its_ear(there.name());
    auto crashed = co_await try_call<fail_now>(its_ear);
    EXPECT_EQ(crashed.error().to_string(), "{'EXIT',wished}");
    auto left = co_await which_handlers(there);
    EXPECT_TRUE(left->empty());
    server_ref<gen_event> nowhere(on_b("nobody"));
    auto lost = co_await which_handlers(nowhere);
    EXPECT_EQ(lost.error().to_string(), "noproc");
  });
}

TEST_F(behaviours_of_another, a_cast_to_an_event_manager_is_no_event) {
  a.run([](self) -> task<> {
    server_ref<gen_event> there(on_b("manager"));
    cast_any(there.name(), said{"a"});
    std::string all = co_await call<heard>(handler_ref<ear>(there.name()));
    EXPECT_EQ(all, "({'$gen_cast',{said,<<\"a\">>}})");
  });
}

// --- order ------------------------------------------------------------------------------------------------

struct numbered {
  int sender;
  int number;
  std::string filling;
};

/// Whether the messages of each sender come in its order, `each` of every one.
process check_order(self me, int senders, int each, pid whom) {
  std::vector<int> next(static_cast<std::size_t>(senders), 0);
  bool in_order = true;
  for (int left = senders * each; left > 0; --left) {
    numbered got = co_await me.receive<numbered>();
    in_order = in_order && next[static_cast<std::size_t>(got.sender)]++ == got.number;
  }
  send(whom, in_order);
}

/// From a few bytes, which go past others, to several fragments.
process send_in_order(self, pid whom, int sender, int count) {
  static constexpr std::size_t sizes[] = {10, 200'000, 0, 65'536, 1 << 20, 65'535, 3, 70'000};
  for (int i = 0; i < count; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * 3 + static_cast<std::size_t>(sender);
    send(whom, numbered{sender, i, std::string(sizes[at % std::size(sizes)], 'x')});
    if (i % 5 == 0) co_await yield();
  }
}

process tell_whom(self me, std::unique_ptr<std::promise<void>> ready) {
  register_name("checks"_atom, me);
  ready->set_value();
  term request = co_await me.receive<term>();
  const auto e = request.elements();
  const pid checks = spawn(&check_order, static_cast<int>(*e[1].as_int64()),
                           static_cast<int>(*e[2].as_int64()), *e[3].as_pid());
  send(*e[3].as_pid(), term::tuple("it"_atom, checks));
}

TEST(order_between_nodes, is_kept_by_messages_of_all_sizes) {
  const std::uint16_t mapper = port_for_mapper();
  test_member b("b", mapper, false);
  test_member a("a", mapper, false);
  auto ready = std::make_unique<std::promise<void>>();
  std::future<void> registered = ready->get_future();
  b.spawn(&tell_whom, std::move(ready));
  registered.get();
  a.run([](self me) -> task<> {
    constexpr int senders = 4;
    constexpr int each = 100;
    send(remote_name{"checks"_atom, b_name}, term::tuple("check"_atom, senders, each, me.id()));
    term answer = co_await me.receive<term>();
    const pid checks = *answer.elements()[1].as_pid();
    for (int i = 0; i < senders; ++i) spawn(&send_in_order, checks, i, each);
    term in_order = co_await me.receive<term>();
    EXPECT_EQ(in_order, term(true));
  });
}

// --- finding each other -----------------------------------------------------------------------------------

TEST(finding_each_other, needs_no_port_mapper_where_ports_are_known) {
  const net::endpoint at = net::endpoint::loopback(port_for_mapper());
  test_member b("b", 0, false, {.listen = at, .epmd = epmd_use::none});
  test_member a("a", 0, false, {.epmd = epmd_use::none, .known = {{"b@127.0.0.1", at}}});
  a.run([](self) -> task<> {
    const bool up = co_await ping(b_name);
    EXPECT_TRUE(up);
  });
}

} // namespace
} // namespace coppice::dist
