// The console over real sockets: the page, the API, and the feed.
#include "servers/console/shell/console.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/otp/gen_server.hpp"
#include "servers/console/core/tree.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;
using namespace http::testing;

struct nudge {};

class victim : public gen_server {
public:
  using protocol = coppice::protocol<casts<nudge>>;
  void init() { set_label("the victim"); }
  void handle_cast(nudge) {}
};

/// A node with a console and a server to be killed; requests go to it by hand.
class console_test : public testing::Test {
protected:
  console_test()
      : home(with_sockets()), view(home, {.name = "test@here", .version = "1", .root = "root_sup"}) {
    home.set_report_sink(view.watcher());
    children = {view.supervisor(), child<victim>("victim")};
    http::routes routes;
    view.mount(routes);
    page = home.run(&start, children, std::move(routes));
  }

  static task<net::listener> start(self, std::vector<child_spec> children, http::routes routes) {
    const supervisor_flags flags;
    start_result<plain_supervisor> root =
        co_await coppice::start<plain_supervisor>(local("root_sup"), flags, children);
    EXPECT_TRUE(root.has_value());
    net::listener l = serve(std::move(routes));
    unlink(l.process()); // it outlives its starter
    co_return l;
  }
  std::string ask(std::string bytes) {
    return home.run([](self, net::listener l, std::string b) { return exchange(l, std::move(b)); }, *page,
                    std::move(bytes));
  }
  std::string token() {
    const std::string body = body_of(ask(get("/console/")));
    const std::string_view before = "name=\"coppice-token\" content=\"";
    return body.substr(body.find(before) + before.size(), 43);
  }
  std::string with_token() { return "X-Coppice-Token: " + token() + "\r\n"; }
  std::string post(std::string body, std::string fields = "Content-Type: application/json\r\n") {
    return ask("POST /console/api/kill HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + with_token() +
               fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  boost::json::value tree(std::string query = "") {
    return boost::json::parse(body_of(ask(get("/console/api/tree" + query, with_token()))));
  }
  static std::string code(const std::string& answer) {
    return boost::json::parse(body_of(answer)).at("error").at("code").as_string().c_str();
  }
  std::string pid_of(std::string_view name) {
    for (const boost::json::value& p : tree().at("processes").as_array()) {
      if (p.at("name").as_string() == name) return p.at("pid").as_string().c_str();
    }
    return "";
  }

  node home;
  console view;
  std::vector<child_spec> children;
  std::optional<net::listener> page;
};

TEST_F(console_test, the_page_has_the_token_and_is_not_stored) {
  const std::string answer = ask(get("/console/"));
  EXPECT_EQ(status_of(answer), "HTTP/1.1 200");
  EXPECT_TRUE(has(answer, "Cache-Control: no-store"));
  EXPECT_TRUE(has(answer, "content-type: text/html; charset=utf-8"));
  EXPECT_FALSE(has(answer, "__COPPICE_TOKEN__"));
  EXPECT_EQ(token(), token());
  EXPECT_TRUE(has(ask(get("/console")), "location: /console/"));
  EXPECT_TRUE(has(ask(get("/console/tree.js")), "content-type: text/javascript; charset=utf-8"));
  EXPECT_EQ(status_of(ask(get("/console/none.js"))), "HTTP/1.1 404");
  EXPECT_EQ(status_of(ask(get("/console/api/none", with_token()))), "HTTP/1.1 404");
}

TEST_F(console_test, the_tree_shows_what_runs) {
  EXPECT_EQ(code(ask(get("/console/api/tree"))), "bad_token");
  const boost::json::value all = tree();
  EXPECT_EQ(all.at("node").at("name").as_string(), "test@here");
  EXPECT_GT(all.at("node").at("memory").to_number<int>(), 0);
  EXPECT_EQ(all.at("processes").at(0).at("key").as_string(), "root");
  EXPECT_FALSE(all.as_object().contains("matched"));
  const boost::json::value found = tree("?filter=the%20VICTIM");
  EXPECT_EQ(found.at("matched").to_number<int>(), 1);
  const boost::json::value& row = found.at("processes").at(1);
  EXPECT_EQ(row.at("key").as_string(), "root/victim");
  EXPECT_EQ(row.at("kind").as_string(), "gen_server");
  EXPECT_EQ(row.at("module").as_string(), "victim");
  EXPECT_EQ(status_of(ask(get("/console/api/tree?limit=x", with_token()))), "HTTP/1.1 400");
}

TEST_F(console_test, kills_what_it_is_told_to_and_nothing_else) {
  const std::string pid = pid_of("the victim");
  const std::string body = R"({"pid":")" + pid + "\"}";
  EXPECT_EQ(code(ask(get("/console/api/kill", with_token()))), "bad_method");
  EXPECT_EQ(code(post(body, "Content-Type: text/plain\r\n")), "bad_type");
  EXPECT_EQ(code(post("{")), "bad_request");
  EXPECT_EQ(code(post(R"({"pid":"<0.1.99>"})")), "no_process");
  EXPECT_EQ(code(post(R"({"pid":")" + std::string(5000, '9') + "\"}")), "too_big");
  EXPECT_EQ(pid_of("the victim"), pid);
  const std::string done = post(body);
  EXPECT_EQ(body_of(done), R"({"ok":true,"pid":")" + pid + "\"}");
  EXPECT_EQ(code(post(body)), "no_process");
}

TEST_F(console_test, killing_what_serves_the_request_is_still_answered) {
  EXPECT_EQ(status_of(post(R"({"pid":")" + pid_text(page->process()) + "\"}")), "HTTP/1.1 200");
}

} // namespace
} // namespace coppice::console
