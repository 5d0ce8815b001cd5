// The chat on two nodes of ours and a real Erlang node beside them, each an OS process: people at both, one
// of the nodes killed, and what an Erlang shell asks either.
#include <algorithm>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "coppice/http/websocket_client.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "tests/erlang/heard_process.hpp"
#include "tests/erlang/terms.hpp"
#include "tests/erlang/test_epmd.hpp"

namespace coppice {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;
using testing::UnorderedElementsAre;

const char* const secret = "a_secret_of_twenty_bytes";

/// `coppice run`, one of two that share the chat. Destroying it is `kill -9`.
class chat_program {
public:
  chat_program(const std::string& name, const std::string& other, const std::string& cookie,
               std::uint16_t epmd_port) {
    process_ = std::make_unique<os_process>(
        COPPICE_PROGRAM,
        std::vector<std::string>{"run", "--port", "0", "--name", name, "--join", other, "--cookie-file",
                                 cookie, "--epmd-port", std::to_string(epmd_port)},
        std::vector<std::string>(), out_.in());
    out_.written();
    const std::string line = out_.line(); // coppice: http://127.0.0.1:PORT/
    if (line.starts_with("coppice: http://") && line.ends_with('/')) {
      host_ = line.substr(16, line.size() - 17);
    }
  }
  /// `127.0.0.1:PORT`; empty if it has not come up.
  [[nodiscard]] const std::string& host() const { return host_; }

private:
  output_pipe out_;
  std::unique_ptr<os_process> process_;
  std::string host_;
};

/// Someone with a page, who does as it does.
struct person {
  std::string user;
  std::unique_ptr<http::websocket> ws = {};
  std::string epoch = {};
  std::int64_t seq = 0;
  std::vector<std::string> shown = {};
};

/// The next frame; null when the connection has ended.
task<json::value> frame(person* p) {
  std::variant<http::websocket_message, http::websocket_closed> got = co_await p->ws->receive();
  const auto* message = std::get_if<http::websocket_message>(&got);
  if (message == nullptr) co_return json::value();
  co_return json::parse(message->data);
}

task<> say(person* p, json::object what) {
  const std::string text = json::serialize(what);
  co_await p->ws->send_text(text);
}

/// Takes what comes until a frame is of the type and has the text in it; `closed` is the end.
task<> until(person* p, std::string type, std::string text) {
  for (;;) {
    json::value got = co_await frame(p);
    if (got.is_null()) {
      if (type == "closed") co_return;
      ADD_FAILURE() << p->user << " waited for " << type << " " << text;
      co_return;
    }
    const json::object& f = got.as_object();
    const std::string its_type(f.at("type").as_string());
    if (its_type == "welcome" && p->epoch != f.at("epoch").as_string()) {
      p->epoch = f.at("epoch").as_string();
      p->seq = 0;
    }
    if (its_type == "message" || its_type == "delivered") {
      EXPECT_GT(f.at("seq").as_int64(), p->seq) << p->user;
      p->seq = f.at("seq").as_int64();
      if (its_type == "message") p->shown.emplace_back(f.at("text").as_string());
      json::object seen{{"type", "ack"}, {"seq", p->seq}};
      co_await say(p, seen);
    }
    if (its_type == type && json::serialize(f).find(text) != std::string::npos) co_return;
  }
}

task<> sign_in(self me, http::client web, person* p, std::string host) {
  http::client_request ask = http::client_request::get("ws://" + host + "/chat/ws");
  ask.header("Origin", "http://" + host);
  auto opened = co_await http::open_websocket(me, web, std::move(ask));
  if (!opened) throw std::runtime_error(opened.error().text);
  p->ws = std::move(*opened);
  json::object hello{{"type", "hello"}, {"v", 1}, {"user", p->user}};
  if (!p->epoch.empty()) {
    hello["resume"] = json::object{{"epoch", p->epoch}, {"seq", p->seq}};
  }
  co_await say(p, hello);
  co_await until(p, "welcome", "");
}

task<> write(person* p, std::string to, std::string id, std::string text) {
  json::object m{{"type", "send"}, {"id", id}, {"to", to}, {"text", text}};
  co_await say(p, m);
}

/// Two nodes with the chat, and a port mapper that outlives them.
class chat_cluster : public testing::Test {
public:
  chat_cluster() : home_(net::testing::with_sockets()) {
    std::ofstream(scratch_.path / "cookie") << secret << '\n';
    fs::permissions(scratch_.path / "cookie", fs::perms::owner_read);
    auto port = std::make_unique<std::promise<std::uint16_t>>();
    std::future<std::uint16_t> listens = port->get_future();
    home_.spawn(&dist::serve_epmd, std::uint16_t{0}, std::move(port));
    epmd_port_ = listens.get();
  }
  std::unique_ptr<chat_program> run(const std::string& name, const std::string& other) {
    return std::make_unique<chat_program>(name, other, scratch_.path / "cookie", epmd_port_);
  }
  /// What a real node prints that runs this.
  std::string erl(const std::string& code) const {
    const said s =
        run_program(erlang_program("erl"),
                    {"-noshell", "-name", "t@127.0.0.1", "-setcookie", secret, "-eval", code + ", halt()."},
                    {"ERL_EPMD_PORT=" + std::to_string(epmd_port_), "ERL_EPMD_ADDRESS=127.0.0.1",
                     "ERL_CRASH_DUMP_BYTES=0"});
    EXPECT_EQ(s.status, 0) << s.out << s.errors;
    return s.out;
  }
  node& home() { return home_; }

private:
  scratch scratch_;
  node home_;
  std::uint16_t epmd_port_ = 0;
};

/// Asks a node until bob has so many messages there, within 30 s, and prints them.
std::string messages_of_bob(const std::string& node, int count) {
  return "(fun() -> F = fun F(N) -> case gen_server:call({chat_server, '" + node +
         "'}, {get_messages, <<\"bob\">>}) of L when length(L) >= " + std::to_string(count) +
         "; N == 0 -> L; _ -> timer:sleep(50), F(N - 1) end end, io:format(\"~0p~n\", [F(600)]) end)()";
}

/// The test, for its process.
class stage {
public:
  explicit stage(chat_cluster& test) : test_(&test) {}
  chat_cluster* operator->() const { return test_; }

private:
  chat_cluster* test_;
};

task<> join(person* p) {
  json::object m{{"type", "join"}, {"room", "#lobby"}};
  co_await say(p, m);
  co_await until(p, "room", p->user);
}

task<> talk(self me, http::client web, person* ann, person* bob, std::string a, std::string b) {
  co_await sign_in(me, web, ann, a);
  co_await sign_in(me, web, bob, b);
  co_await write(ann, "bob", "from-ann-1", "one");
  co_await until(ann, "accepted", "from-ann-1");
  co_await until(bob, "message", "one");
  co_await until(ann, "delivered", "from-ann-1");
  co_await join(ann);
  co_await join(bob);
  co_await until(ann, "room", "bob");
  co_await until(ann, "rooms", "\"members\":2");
  co_await write(bob, "#lobby", "from-bob-1", "two");
  co_await until(ann, "message", "two");
  co_await until(bob, "delivered", "from-bob-1");
}

/// Her node has been killed with a message under way; she comes to the other one and sends it again.
task<> go_on(self me, http::client web, person* ann, person* bob, std::string b) {
  co_await until(bob, "closed", ""); // another node leads: he comes back
  co_await sign_in(me, web, bob, b);
  co_await write(bob, "ann", "from-bob-2", "five");
  co_await until(bob, "accepted", "from-bob-2");
  co_await sign_in(me, web, ann, b);
  co_await write(ann, "bob", "from-ann-2", "four");
  co_await until(ann, "accepted", "from-ann-2");
  co_await write(ann, "#lobby", "from-ann-3", "six");
  co_await until(ann, "accepted", "from-ann-3");
  co_await until(bob, "message", "six");
  co_await until(ann, "delivered", "from-ann-3");
  co_await ann->ws->finish();
  co_await bob->ws->finish();
}

task<> the_whole(self me, stage at) {
  std::unique_ptr<chat_program> a = at->run("a@127.0.0.1", "b@127.0.0.1");
  std::unique_ptr<chat_program> b = at->run("b@127.0.0.1", "a@127.0.0.1");
  const std::string host_a = a->host();
  const std::string host_b = b->host();
  auto web = co_await http::start_client();
  person ann{.user = "ann"};
  person bob{.user = "bob"};
  co_await talk(me, *web, &ann, &bob, host_a, host_b);
  EXPECT_EQ(
      at->erl("gen_server:cast({chat_server, 'a@127.0.0.1'}, {send_message, <<\"bob\">>, <<\"three\">>}), " +
              messages_of_bob("a@127.0.0.1", 2) + ", " + messages_of_bob("b@127.0.0.1", 2)),
      "[<<\"one\">>,<<\"three\">>]\n[<<\"one\">>,<<\"three\">>]\n");
  co_await until(&bob, "message", "three");
  co_await write(&ann, "bob", "from-ann-2", "four"); // accepted or not: she will not know
  a.reset();
  co_await go_on(me, *web, &ann, &bob, host_b);
  EXPECT_THAT(bob.shown, UnorderedElementsAre("one", "two", "three", "four", "five", "six"));
  EXPECT_THAT(ann.shown, UnorderedElementsAre("one", "two", "four", "five", "six"));
  EXPECT_LT(std::ranges::find(bob.shown, "one"), std::ranges::find(bob.shown, "four"));
  EXPECT_EQ(at->erl(messages_of_bob("b@127.0.0.1", 4)),
            "[<<\"one\">>,<<\"three\">>,<<\"four\">>,<<\"six\">>]\n");
}

TEST_F(chat_cluster, a_killed_node_costs_nobody_a_message) { home().run(&the_whole, stage(*this)); }

} // namespace
} // namespace coppice
