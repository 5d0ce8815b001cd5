// Nodes between which the network fails: what they are told of each other, that nothing is left of it, and
// that they go on when it heals. Ours with ours, and ours with Erlang's.
#include "tests/partition/talker.hpp"
#include "tests/partition/wires.hpp"

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace coppice::partition {
namespace {

// Far from what a name could be guessed as: nodes that listen beyond loopback insist on it.
constexpr const char* cookie = "0123456789abcdefghij";
constexpr int port = 9100;

/// The numbers of a line such as "sent 3 seen 3".
std::map<std::string, int> numbers(const std::string& line) {
  std::istringstream in(line);
  std::map<std::string, int> all;
  std::string name;
  for (int n = 0; in >> name >> n;) all[name] = n;
  EXPECT_TRUE(in.eof() && !all.empty()) << line;
  return all;
}

/// A node on a machine of its own.
class member {
public:
  member(std::string name, const machine& on, std::vector<std::string> command)
      : name_(std::move(name)), talk_(name_, on.here(std::move(command))) {
    const std::string first = talk_.line();
    if (first != "up") throw std::runtime_error(name_ + ": " + first);
  }
  [[nodiscard]] const std::string& name() const { return name_; }
  std::string ask(const std::string& words) { return talk_.ask(words); }
  std::map<std::string, int> count(const std::string& words) { return numbers(ask(words)); }

private:
  std::string name_;
  talker talk_;
};

std::string name_on(const machine& m) { return m.name() + "@" + m.address(); }

/// `seconds`: of net_ticktime. With `by_way_of` the node `other` is looked for at that address.
std::unique_ptr<member> ours(const machine& on, int seconds, const std::string& other = {},
                             const std::string& by_way_of = {}) {
  std::vector<std::string> command{COPPICE_PARTITION_NODE, name_on(on), cookie,
                                   on.address() + ":" + std::to_string(port), std::to_string(seconds)};
  if (!other.empty()) command.insert(command.end(), {other, by_way_of + ":" + std::to_string(port)});
  return std::make_unique<member>(name_on(on), on, std::move(command));
}

std::unique_ptr<member> erlangs(const machine& on, int seconds) {
  std::string address = on.address();
  for (char& c : address) c = c == '.' ? ',' : c;
  const std::string program =
      "{ok, M, B} = compile:file(\"" COPPICE_PARTITION_FOLDER "/partition_node.erl\", [binary]), "
      "{module, M} = code:load_binary(M, \"\", B), M:main().";
  return std::make_unique<member>(name_on(on), on,
                                  std::vector<std::string>{COPPICE_ERL,
                                                           "-noshell",
                                                           "-name",
                                                           name_on(on),
                                                           "-setcookie",
                                                           cookie,
                                                           "-start_epmd",
                                                           "false",
                                                           "-erl_epmd_port",
                                                           std::to_string(port),
                                                           "-kernel",
                                                           "inet_dist_use_interface",
                                                           "{" + address + "}",
                                                           "net_ticktime",
                                                           std::to_string(seconds),
                                                           "net_setuptime",
                                                           "2",
                                                           "logger_level",
                                                           "none",
                                                           "-eval",
                                                           program});
}

enum class kind { ours, erlangs };
void PrintTo(kind k, std::ostream* out) { *out << (k == kind::ours ? "ours" : "Erlang's"); }

/// Two nodes with a wire between them; `a` is ours.
class partition : public testing::TestWithParam<kind> {
protected:
  /// Not in SetUpTestSuite: where that fails, the tests count as skipped.
  void SetUp() override {
    static bool entered = false;
    if (entered) return;
    enter_own_network();
    entered = true;
  }
  std::unique_ptr<member> other_node(const machine& on, int seconds) {
    return GetParam() == kind::ours ? ours(on, seconds) : erlangs(on, seconds);
  }
};

/// Nothing came twice, and nothing that was not due.
void expect_sound(const std::map<std::string, int>& told) {
  EXPECT_EQ(told.at("doubled"), 0);
  EXPECT_EQ(told.at("strange"), 0);
  EXPECT_EQ(told.at("other"), 0);
}

/// What is sent arrives whole and in order; each call is answered; each monitor and link tells the reason of
/// the end.
void expect_all_arrives(member& from, member& to) {
  const auto flow = from.count("flow " + to.name() + " 4 64 200");
  EXPECT_EQ(flow.at("sent"), 256);
  EXPECT_EQ(flow.at("seen"), 256);
  EXPECT_EQ(flow.at("out_of_order"), 0);
  EXPECT_EQ(flow.at("wrong"), 0);
  ASSERT_EQ(from.ask("tie " + to.name() + " 50"), "tied");
  ASSERT_EQ(to.ask("die 50"), "ok");
  const auto told = from.count("told 150");
  EXPECT_EQ(told.at("planned"), 150);
  expect_sound(from.count("untie"));
  EXPECT_EQ(to.ask("done"), "ok");
}

constexpr int targets = 200;
constexpr int ties = 3 * targets + 1;

/// A watcher on one node of processes on another, some of which end by themselves as the connection goes.
void tie(member& from, member& to) {
  ASSERT_EQ(from.ask("tie " + to.name() + " " + std::to_string(targets)), "tied");
}

/// Once the connection between the two is lost: all have been told.
void expect_told(member& from) {
  const auto told = from.count("told " + std::to_string(ties));
  EXPECT_EQ(told.at("monitors") + told.at("links"), ties);
  EXPECT_EQ(told.at("noconnection") + told.at("planned"), ties) << from.name() << ": for each its one reason";
  expect_sound(told);
}

/// Once it has healed.
void expect_over(member& from, member& to, int ended) {
  expect_sound(from.count("untie"));
  // Those that ended by themselves were linked to nobody afterwards; of the others each link broke once.
  const auto broken = to.count("broken " + std::to_string(targets - ended));
  EXPECT_EQ(broken.at("broken"), targets - ended);
  EXPECT_EQ(broken.at("doubled"), 0);
}

/// One time that the connection is lost, with everything under way, and made again.
void lose_and_find(wire& between, member& a, member& b, const char* what, const std::function<void()>& fault,
                   bool heal_early = false) {
  SCOPED_TRACE(what);
  const int ups = a.count("nodes " + b.name() + " 1 0").at("ups");
  const int downs = a.count("nodes " + b.name() + " 1 0").at("downs");
  constexpr int ended = 50;
  tie(a, b);
  tie(b, a);
  for (member* m : {&a, &b}) {
    const std::string other = (m == &a ? b : a).name();
    ASSERT_EQ(m->ask("calls " + other + " 8"), "ok");
    ASSERT_EQ(m->ask("stream " + other), "ok");
  }
  ASSERT_EQ(b.ask("die " + std::to_string(ended)), "ok");
  fault();
  a.ask("nodes " + b.name() + " " + std::to_string(ups) + " " + std::to_string(downs + 1));
  if (heal_early) between.heal();
  expect_told(a);
  expect_told(b);
  between.heal();
  a.ask("nodes " + b.name() + " " + std::to_string(ups + 1) + " " + std::to_string(downs + 1));
  for (member* m : {&a, &b}) {
    const auto stream = m->count("end_stream");
    EXPECT_GT(stream.at("seen"), 0);
    EXPECT_LE(stream.at("seen"), stream.at("sent"));
    EXPECT_EQ(stream.at("out_of_order"), 0);
    EXPECT_EQ(stream.at("wrong"), 0);
    const auto calls = m->count("end_calls");
    EXPECT_GE(calls.at("failed"), 8) << "those that nobody answered";
    EXPECT_EQ(calls.at("wrong"), 0);
  }
  expect_over(a, b, ended);
  expect_over(b, a, 0);
  EXPECT_EQ(a.ask("done") + b.ask("done"), "okok");
}

/// With everything as it was before, for as long as it takes.
void expect_left(member& m, const std::string& before) {
  EXPECT_EQ(m.ask("left " + before), before) << m.name();
}

TEST_P(partition, everybody_is_told_once_and_nothing_is_left_whichever_way_it_is_cut) {
  const machine one("a", 1);
  const machine other("b", 2);
  wire between(one, other);
  const auto a = ours(one, 4);
  const auto b = other_node(other, 4);
  ASSERT_EQ(a->ask("connect " + b->name()), "true");
  expect_all_arrives(*a, *b);
  expect_all_arrives(*b, *a);
  const std::string a_has = a->ask("left");
  const std::string b_has = b->ask("left");
  lose_and_find(between, *a, *b, "cut", [&] { between.cut(); });
  lose_and_find(between, *a, *b, "cut towards a", [&] { between.cut_to(one); });
  lose_and_find(between, *a, *b, "cut towards b", [&] { between.cut_to(other); });
  lose_and_find(between, *a, *b, "cut, and healed early", [&] { between.cut(); }, true);
  EXPECT_EQ(a->count("nodes " + b->name() + " 1 1").at("out_of_turn"), 0);
  EXPECT_EQ(b->count("nodes " + a->name() + " 1 1").at("out_of_turn"), 0);
  expect_left(*a, a_has);
  expect_left(*b, b_has);
}

TEST_P(partition, a_link_that_loses_packets_loses_nothing) {
  const machine one("a", 1);
  const machine other("b", 2);
  wire between(one, other);
  const auto a = ours(one, 60);
  const auto b = other_node(other, 60);
  ASSERT_EQ(a->ask("connect " + b->name()), "true");
  between.lose(10, 10);
  expect_all_arrives(*a, *b);
  expect_all_arrives(*b, *a);
  between.lose(0, 20);
  expect_all_arrives(*a, *b);
  between.lose(20, 0);
  expect_all_arrives(*b, *a);
  EXPECT_EQ(a->count("nodes " + b->name() + " 1 0").at("downs"), 0);
}

TEST_P(partition, a_link_that_is_slow_loses_nothing) {
  const machine one("a", 1);
  const machine other("b", 2);
  const machine between("r", 3);
  const wire near(one, between);
  const wire far(between, other);
  talker relay("the relay", between.here({COPPICE_PARTITION_RELAY, between.address(), std::to_string(port),
                                          other.address(), std::to_string(port), "200"}));
  ASSERT_EQ(relay.line(), "up");
  const auto a = ours(one, 4, name_on(other), between.address());
  const auto b = other_node(other, 4);
  expect_all_arrives(*a, *b);
  expect_all_arrives(*b, *a);
  EXPECT_EQ(a->count("nodes " + b->name() + " 1 0").at("downs"), 0);
}

INSTANTIATE_TEST_SUITE_P(between, partition, testing::Values(kind::ours, kind::erlangs), [](const auto& one) {
  return std::string(one.param == kind::ours ? "ours" : "ours_and_erlangs");
});

} // namespace
} // namespace coppice::partition
