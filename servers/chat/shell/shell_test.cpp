// The chat's processes on a stepped node, with clients that do what the page does: rules of PROTOCOL.md, and
// kills between any two steps.
#include "servers/chat/shell/test_page.hpp"

#include "coppice/runtime/detail/runtime_test.hpp"
#include "servers/chat/shell/chat_server.hpp"
#include "servers/chat/shell/directory.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/room.hpp"
#include "servers/chat/shell/session.hpp"
#include "servers/chat/shell/supervisors.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace coppice::chat::test {

using namespace std::chrono_literals;
using coppice::test::quiet;
namespace json = boost::json;

process carry(self me, chat c, pid client) {
  class connection link(std::move(c), me);
  link.start();
  for (;;) {
    auto got = co_await me.receive<from_client, deliver, room_news, left_news, presence_news, online_news,
                                   rooms_news, renumbered, hello_timeout, reconnect, down>();
    if (auto* said = std::get_if<from_client>(&got)) {
      co_await link.take_frame(std::move(said->frame));
    } else {
      connection_news news = std::visit(
          [](auto& m) -> connection_news {
            if constexpr (std::is_constructible_v<connection_news, decltype(std::move(m))>) {
              return std::move(m);
            } else {
              return reconnect();
            }
          },
          got);
      co_await link.take_news(std::move(news));
    }
    send(client, to_client{me.id(), link.take_output(), link.closing()});
    link.written();
    if (link.closing()) co_return;
  }
}

void page::connect() {
  wanted_ = true;
  welcomed_ = false;
  monitored started = spawn_monitor(&carry, chat_, self_pid());
  connection_ = started.process;
  monitor_ = started.ref;
  std::string resume;
  if (!epoch_.empty()) resume = fmt::format(R"(,"resume":{{"epoch":"{}","seq":{}}})", epoch_, seq_);
  send_raw(fmt::format(R"({{"type":"hello","v":1,"user":"{}"{}}})", user_, resume));
}

void page::go_to(chat c) {
  chat_ = std::move(c);
  for (message& m : outbox_) m.again.reset();
  connect();
}

void page::sign_off() {
  wanted_ = false;
  welcomed_ = false;
  exit(connection_, exit_reason::kill());
}

void page::send_raw(const std::string& frame) { send(connection_, from_client{frame}); }

void page::write(const std::string& to, const std::string& text) {
  const std::string id = fmt::format("{}-message-{}", user_, ++written_);
  texts_[id] = text;
  outbox_.push_back({id, to, text, {}});
  pump();
}

void page::join(const std::string& room) {
  wanted_rooms_[room] = fmt::format(R"({{"type":"join","room":"{}"}})", room);
  if (welcomed_) send_raw(wanted_rooms_[room]);
}

void page::leave(const std::string& room) {
  wanted_rooms_[room] = fmt::format(R"({{"type":"leave","room":"{}"}})", room);
  if (welcomed_) send_raw(wanted_rooms_[room]);
}

void page::pump() {
  if (!welcomed_) return;
  std::set<std::string> busy;
  for (message& m : outbox_) {
    if (busy.insert(m.to).second && !m.again) {
      m.again = now() + 10s;
      send_raw(fmt::format(R"({{"type":"send","id":"{}","to":"{}","text":"{}"}})", m.id, m.to, m.text));
    }
  }
}

void page::look_at_clock(time_point now) {
  for (message& m : outbox_) {
    if (m.again && *m.again <= now) m.again.reset();
  }
  pump();
}

bool page::take(const to_client& said) {
  if (said.connection != connection_) return false;
  for (const std::string& frame : said.frames) take_frame(frame);
  if (said.closing) closed_ = said.closing;
  return true;
}

bool page::ended(const down& d) {
  if (d.ref != monitor_) return false;
  welcomed_ = false;
  for (message& m : outbox_) m.again.reset();
  const bool final = closed_ && *closed_ != close_reason::come_back;
  if (wanted_ && !final) connect();
  return true;
}

void page::take_event(std::uint64_t seq) {
  EXPECT_GT(seq, seq_) << user_ << ": an event came twice or out of order";
  seq_ = seq;
  send_raw(fmt::format(R"({{"type":"ack","seq":{}}})", seq));
}

void page::take_frame(const std::string& text) {
  const json::object frame = json::parse(text).as_object();
  auto field = [&](const char* name) { return json::value_to<std::string>(frame.at(name)); };
  const std::string type = field("type");
  types_.push_back(type);
  if (type == "welcome") {
    if (epoch_ != field("epoch")) {
      seq_ = 0;
      earlier_.merge(known_);
    }
    epoch_ = field("epoch");
    welcomed_ = true;
    for (const auto& [room, wish] : wanted_rooms_) send_raw(wish);
    pump();
  }
  if (type == "welcome" || type == "online") {
    online_ = json::value_to<std::set<std::string>>(frame.at("online"));
  } else if (type == "presence") {
    if (frame.at("online").as_bool()) {
      online_.insert(field("user"));
    } else {
      online_.erase(field("user"));
    }
  } else if (type == "message") {
    take_event(json::value_to<std::uint64_t>(frame.at("seq")));
    const std::string key = field("from") + ' ' + field("id");
    if (earlier_.contains(key)) return;
    EXPECT_TRUE(known_.insert(key).second) << key;
    shown_.push_back(field("from") + ' ' + field("to") + ": " + field("text"));
  } else if (type == "delivered") {
    take_event(json::value_to<std::uint64_t>(frame.at("seq")));
    delivered_[texts_[field("id")]].insert(field("by"));
  } else if (type == "accepted") {
    std::erase_if(outbox_, [id = field("id")](const message& m) { return m.id == id; });
    pump();
  } else if (type == "rooms") {
    rooms_.clear();
    for (const json::value& r : frame.at("rooms").as_array()) {
      rooms_[json::value_to<std::string>(r.at("room"))] =
          std::to_string(r.at("members").as_int64()) + (r.at("joined").as_bool() ? "*" : "");
    }
  } else if (type == "room") {
    members_[field("room")] = json::value_to<std::vector<std::string>>(frame.at("members"));
    if (auto wish = wanted_rooms_.find(field("room"));
        wish != wanted_rooms_.end() && wish->second.find("join") != std::string::npos) {
      wanted_rooms_.erase(wish);
    }
  } else if (type == "left") {
    members_.erase(field("room"));
    wanted_rooms_.erase(field("room"));
  } else if (type == "error" && !frame.contains("retry")) {
    errors_.push_back(field("code"));
    if (frame.contains("id")) {
      std::erase_if(outbox_, [id = field("id")](const message& m) { return m.id == id; });
    }
  } else if (type == "error" && frame.contains("id")) {
    for (message& m : outbox_) {
      if (m.id == field("id")) m.again = now() + 1s;
    }
  } else if (type == "error" && frame.contains("room")) {
    if (auto wish = wanted_rooms_.find(field("room")); wish != wanted_rooms_.end()) send_raw(wish->second);
  } else if (type == "error" && seq_ > 0) {
    send_raw(fmt::format(R"({{"type":"ack","seq":{}}})", seq_));
  }
}

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

/// A chat on a stepped node, its pages, and the process that is all of them.
class company {
public:
  explicit company(options o = {}) : chat_(std::move(o)) {}

  /// Starts the supervisors under a root of their own.
  task<> start() {
    std::vector<child_spec> top{child<chat_sup>("chat_sup", local("chat_sup"), chat_)};
    auto root = co_await start_link<plain_supervisor>(patient(strategy::one_for_one), top);
    EXPECT_TRUE(root.has_value());
    unlink(*root->resolve());
  }
  page& add(const std::string& user) {
    page& p = pages_.emplace_back(chat_, user);
    p.connect();
    return p;
  }
  /// Lets the chat work for a time, the pages taking what comes.
  task<> run(self me, duration time) {
    const time_point end = now() + time;
    for (;;) {
      const time_point at = now();
      for (page& p : pages_) p.look_at_clock(at);
      duration wait = std::min<duration>(end - at, 50ms);
      if (wait < 0ns) co_return;
      auto got = co_await me.receive<to_client, down>(wait);
      if (!got && now() >= end) co_return;
      if (!got) continue;
      for (page& p : pages_) {
        if (auto* said = std::get_if<to_client>(&*got)) p.take(*said);
        if (auto* ended = std::get_if<down>(&*got)) p.ended(*ended);
      }
    }
  }
  [[nodiscard]] const chat& its_chat() const noexcept { return chat_; }
  [[nodiscard]] std::deque<page>& pages() noexcept { return pages_; }

private:
  chat chat_;
  std::deque<page> pages_;
};

TEST(shell, two_people_talk_and_see_the_delivery) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    page& bob = all.add("bob");
    co_await all.run(me, 1s);
    EXPECT_THAT(ann.online(), UnorderedElementsAre("ann", "bob"));
    EXPECT_EQ(std::vector<std::string>(ann.types().begin(), ann.types().begin() + 2),
              (std::vector<std::string>{"welcome", "rooms"}));
    ann.write("bob", "hi");
    bob.write("ann", "hello");
    co_await all.run(me, 1s);
    EXPECT_THAT(ann.shown(), UnorderedElementsAre("ann bob: hi", "bob ann: hello"));
    EXPECT_EQ(ann.shown(), bob.shown());
    EXPECT_THAT(ann.delivered().at("hi"), ElementsAre("bob"));
    EXPECT_THAT(bob.delivered().at("hello"), ElementsAre("ann"));
    EXPECT_EQ(ann.unaccepted(), 0U);
  });
}

TEST(shell, messages_wait_for_those_who_are_away) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    co_await all.run(me, 1s);
    ann.write("bob", "first");
    ann.write("bob", "second");
    co_await all.run(me, 1s);
    EXPECT_EQ(ann.unaccepted(), 0U);
    EXPECT_THAT(ann.delivered(), IsEmpty());
    EXPECT_TRUE(session_of("bob").has_value()); // started by the message
    page& bob = all.add("bob");
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.shown(), ElementsAre("ann bob: first", "ann bob: second"));
    EXPECT_EQ(ann.delivered().size(), 2U);
    bob.sign_off();
    co_await all.run(me, 1s);
    EXPECT_THAT(ann.online(), ElementsAre("ann"));
    co_await all.run(me, 61s);
    EXPECT_FALSE(session_of("bob").has_value()); // nothing left to do
    EXPECT_TRUE(session_of("ann").has_value());
  });
}

TEST(shell, rooms_tell_their_members) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    page& bob = all.add("bob");
    page& cid = all.add("cid");
    co_await all.run(me, 1s);
    ann.join("#lobby");
    bob.join("#lobby");
    co_await all.run(me, 1s);
    EXPECT_TRUE(room_process("#lobby").has_value());
    EXPECT_THAT(ann.members().at("#lobby"), ElementsAre("ann", "bob"));
    EXPECT_EQ(bob.members(), ann.members());
    EXPECT_EQ(ann.rooms().at("#lobby"), "2*");
    EXPECT_EQ(cid.rooms().at("#lobby"), "2");
    ann.write("#lobby", "all");
    cid.write("#lobby", "not mine");
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.shown(), ElementsAre("ann #lobby: all"));
    EXPECT_THAT(ann.delivered().at("all"), ElementsAre("bob"));
    EXPECT_THAT(cid.shown(), IsEmpty());
    EXPECT_THAT(cid.errors(), ElementsAre("not_member"));
    bob.leave("#lobby");
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.members(), IsEmpty());
    EXPECT_THAT(ann.members().at("#lobby"), ElementsAre("ann"));
    ann.write("#lobby", "alone");
    ann.leave("#lobby");
    co_await all.run(me, 1s);
    EXPECT_THAT(ann.rooms(), IsEmpty());
    EXPECT_FALSE(room_process("#lobby").has_value());
    EXPECT_THAT(bob.shown(), ElementsAre("ann #lobby: all"));
  });
}

TEST(shell, devices_of_one_user_show_the_same) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& desk = all.add("ann");
    page& phone = all.add("ann");
    page& bob = all.add("bob");
    co_await all.run(me, 1s);
    desk.write("bob", "from the desk");
    bob.write("ann", "to both");
    co_await all.run(me, 1s);
    EXPECT_EQ(desk.shown().size(), 2U);
    EXPECT_EQ(desk.shown(), phone.shown());
    phone.sign_off();
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.online(), Contains("ann"));
    for (int i = 0; i < 7; ++i) all.add("ann");
    all.add("ann");
    co_await all.run(me, 1s);
    const auto refused = [](const page& p) { return p.closed() == close_reason::refused; };
    EXPECT_EQ(std::ranges::count_if(all.pages(), refused), 1);
    for (const page& p : all.pages()) {
      EXPECT_EQ(p.errors(),
                refused(p) ? std::vector<std::string>{"too_many_devices"} : std::vector<std::string>());
    }
  });
}

TEST(shell, frames_that_are_refused) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    page& odd = all.add("a b");
    co_await all.run(me, 1s);
    EXPECT_EQ(odd.closed(), close_reason::bad_name);
    ann.send_raw(R"({"type":"dance"})");
    ann.send_raw(R"({"type":"join","room":"no-hash"})");
    ann.send_raw(R"({"type":"send","id":"short","to":"bob","text":"x"})");
    ann.send_raw(R"({"type":"hello","v":1,"user":"ann"})");
    ann.send_raw(R"({"type":"dance"})");
    co_await all.run(me, 1s);
    EXPECT_THAT(ann.errors(), ElementsAre("unknown_type", "bad_name", "bad_id", "bad_frame"));
    EXPECT_EQ(ann.closed(), close_reason::bad_frame);
  });
}

TEST(shell, a_hello_must_come_and_come_first) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    pid silent = spawn(&carry, all.its_chat(), me.id());
    to_client first = co_await me.receive<to_client>();
    EXPECT_EQ(first.connection, silent);
    EXPECT_EQ(first.closing, close_reason::not_signed_in);
    pid early = spawn(&carry, all.its_chat(), me.id());
    send(early, from_client{R"({"type":"who"})"});
    to_client second = co_await me.receive<to_client>();
    EXPECT_EQ(second.closing, close_reason::not_signed_in);
    pid odd = spawn(&carry, all.its_chat(), me.id());
    send(odd, from_client{"not json"});
    to_client third = co_await me.receive<to_client>();
    EXPECT_EQ(third.closing, close_reason::bad_frame);
  });
}

TEST(shell, frames_come_only_so_fast) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    co_await all.run(me, 1s);
    for (int i = 0; i < 250; ++i) ann.send_raw(R"({"type":"ping","n":1})");
    co_await all.run(me, 1s);
    EXPECT_EQ(std::ranges::count(ann.types(), "pong"), 200);
    EXPECT_EQ(std::ranges::count(ann.types(), "error"), 50);
    EXPECT_THAT(ann.errors(), IsEmpty()); // each with `retry`
  });
}

TEST(shell, a_connection_that_does_not_keep_up_ends_and_comes_back) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    co_await all.run(me, 1s);
    ann.write("ann", "note");
    const pid first = ann.connection();
    for (std::uint32_t i = 0; i <= connection::most_waiting; ++i) send(first, presence_news{"bob", true});
    co_await all.run(me, 1s);
    EXPECT_NE(ann.connection(), first);
    EXPECT_TRUE(ann.is_online());
    EXPECT_THAT(ann.shown(), ElementsAre("ann ann: note"));
  });
}

TEST(shell, labels_are_those_that_the_console_shows) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    ann.join("#lobby");
    co_await all.run(me, 1s);
    EXPECT_EQ(this_node().summary(ann.connection())->label, "connection:ann");
    for (const char* name : {"chat_sup", "session_sup", "room_sup", "session:ann", "room:#lobby"}) {
      EXPECT_TRUE(whereis(atom(name)).has_value()) << name;
    }
  });
}

TEST(shell, the_two_requests_of_the_case_study) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    const server_ref<chat_server> chat{"chat_server"};
    cast<send_message>(chat, "bob", "hi");
    cast<send_message>(chat, "bob", "again");
    std::vector<std::string> texts = co_await call<get_messages>(chat, "bob");
    EXPECT_THAT(texts, ElementsAre("hi", "again"));
    page& bob = all.add("bob");
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.shown(), ElementsAre("chat_server bob: hi", "chat_server bob: again"));
  });
}

TEST(shell, a_store_that_is_gone_for_long_is_unavailable_not_silent) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& ann = all.add("ann");
    co_await all.run(me, 1s);
    std::expected<ok, child_error> ended = co_await terminate_child("chat_sup", term("mailbox_store"));
    EXPECT_TRUE(ended.has_value());
    ann.write("bob", "hi");
    co_await all.run(me, 3s);
    EXPECT_EQ(ann.unaccepted(), 1U);
    EXPECT_THAT(ann.types(), Contains("error"));
    EXPECT_THAT(ann.errors(), IsEmpty());
    std::expected<pid, child_error> again = co_await restart_child("chat_sup", term("mailbox_store"));
    EXPECT_TRUE(again.has_value());
    co_await all.run(me, 3s);
    EXPECT_EQ(ann.unaccepted(), 0U);
  });
}

TEST(shell, news_that_a_store_could_not_tell_are_told_by_the_next) {
  node n(quiet());
  n.run([](self me) -> task<> {
    company all;
    co_await all.start();
    page& bob = all.add("bob");
    co_await all.run(me, 1s);
    // As if the store had ended between writing and telling.
    all.its_chat().write([](chat_table& t) {
      EXPECT_TRUE(t.post("ann", "message-1", "bob", "hi", 0).has_value());
      EXPECT_TRUE(t.join("bob", "#lobby").has_value());
    });
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.shown(), IsEmpty());
    exit(*whereis(atom("mailbox_store")), exit_reason::kill());
    co_await all.run(me, 1s);
    EXPECT_THAT(bob.shown(), ElementsAre("ann bob: hi"));
    EXPECT_EQ(bob.rooms().at("#lobby"), "1*");
    EXPECT_THAT(bob.members().at("#lobby"), ElementsAre("bob"));
    EXPECT_TRUE(room_process("#lobby").has_value());
  });
}

/// Kills by seed, between any two steps, of any process there is.
class kills : public testing::TestWithParam<unsigned> {};

std::optional<pid> victim(std::mt19937& random, company& all) {
  static const std::vector<const char*> names{"mailbox_store",
                                              "directory",
                                              "session_sup",
                                              "room_sup",
                                              "room_registry",
                                              "chat_sup",
                                              "chat_server",
                                              "session:ann",
                                              "session:bob",
                                              "session:cid",
                                              "room:#lobby",
                                              "room:#garden",
                                              "",
                                              ""};
  const std::string name = names[random() % names.size()];
  if (!name.empty()) return whereis(atom(name));
  return all.pages()[random() % all.pages().size()].connection();
}

task<> talk_and_kill(self me, unsigned seed) {
  std::mt19937 random(seed);
  company all;
  co_await all.start();
  const std::vector<std::string> users{"ann", "bob", "cid"};
  for (const std::string& user : users) all.add(user);
  for (page& p : all.pages()) {
    p.join("#lobby");
    if (p.user() != "cid") p.join("#garden");
  }
  co_await all.run(me, 1s);
  std::map<std::string, std::vector<std::string>> expected; // "from to" -> texts in order
  for (int step = 0; step < 60; ++step) {
    page& p = all.pages()[random() % users.size()];
    const std::string text = std::to_string(step);
    const bool garden = p.user() != "cid" && random() % 4 == 0;
    const std::string to = garden ? "#garden" : random() % 2 == 0 ? "#lobby" : users[random() % users.size()];
    p.write(to, text);
    expected[p.user() + ' ' + to].push_back(text);
    if (random() % 2 == 0) {
      std::optional<pid> target = victim(random, all);
      if (target) exit(*target, exit_reason::kill());
    }
    for (unsigned yields = random() % 12; yields > 0; --yields) co_await yield();
    if (random() % 3 == 0) co_await all.run(me, std::chrono::milliseconds(random() % 150));
  }
  co_await all.run(me, 60s);
  for (page& p : all.pages()) {
    EXPECT_TRUE(p.is_online()) << p.user();
    EXPECT_EQ(p.unaccepted(), 0U) << p.user();
    EXPECT_THAT(p.errors(), IsEmpty());
    EXPECT_THAT(p.online(), UnorderedElementsAre("ann", "bob", "cid"));
    EXPECT_EQ(p.rooms(), (std::map<std::string, std::string>{{"#garden", p.user() == "cid" ? "2" : "2*"},
                                                             {"#lobby", "3*"}}));
    std::map<std::string, std::vector<std::string>> seen;
    for (const std::string& line : p.shown()) {
      const std::size_t colon = line.find(':');
      seen[line.substr(0, colon)].push_back(line.substr(colon + 2));
    }
    std::map<std::string, std::vector<std::string>> due;
    for (const auto& [between, texts] : expected) {
      const std::string from = between.substr(0, between.find(' '));
      const std::string to = between.substr(between.find(' ') + 1);
      const bool in_room = to == "#lobby" || (to == "#garden" && p.user() != "cid");
      if (in_room || from == p.user() || to == p.user()) due[between] = texts;
      if (from != p.user() || to == p.user()) continue;
      const std::size_t receivers = to == "#lobby" ? 2 : 1;
      for (const std::string& text : texts) {
        EXPECT_EQ(p.delivered().contains(text) ? p.delivered().at(text).size() : 0, receivers)
            << between << ": " << text;
      }
    }
    EXPECT_EQ(seen, due) << p.user();
  }
}

TEST_P(kills, every_accepted_message_arrives_once_and_in_order) {
  node n(quiet());
  n.run(&talk_and_kill, GetParam());
}

INSTANTIATE_TEST_SUITE_P(seeds, kills, testing::Range(1U, 101U));

} // namespace
} // namespace coppice::chat::test
