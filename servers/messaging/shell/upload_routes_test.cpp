// Files over HTTP, with real sockets and a real folder. XEP-0363, sections 7 to 9.
#include "servers/messaging/shell/upload_routes.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/store/detail/store_test.hpp"
#include "servers/messaging/application.hpp"
#include "servers/messaging/core/upload_rules.hpp"
#include "servers/messaging/storage/accounts.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;
using namespace http::testing;
using storage::stored_upload;
using storage::upload_state;
using ::testing::ElementsAre;

const std::string id = "abcdefghijklmnopqrst";
const std::string path = "/upload/" + id + "/a%20b.png";
const std::string picture = std::string("\x89PNG\0\xff", 6) + std::string(300'000, 'p');

xmpp::instant now() {
  return std::chrono::time_point_cast<xmpp::instant::duration>(std::chrono::system_clock::now());
}

std::string put(const std::string& target, const std::string& body, const std::string& more = "") {
  return "PUT " + target +
         " HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + more + "\r\n" + body;
}

class an_uploaded_file : public ::testing::Test {
protected:
  an_uploaded_file() : host_(how(), tables(), std::nullopt, std::string(32, 's')) {}

  void promise(const std::string& type = "image/png", xmpp::instant at = now(),
               std::size_t size = picture.size()) {
    const stored_upload one{.id = id, .owner = "a@h", .file = {"a b.png", size, type}, .asked = at};
    change([one](store::transaction& t) { storage::promise_upload(t, one); });
  }
  template <class F>
  void change(F work) {
    ASSERT_TRUE(host_.db().write_now(work));
  }
  std::optional<stored_upload> known() {
    return host_.db().read_now([](store::transaction& t) { return storage::find_upload(t, id); }).value();
  }
  std::vector<std::string> files() {
    std::vector<std::string> names;
    std::error_code none;
    for (const auto& one : std::filesystem::directory_iterator(folder_.file("uploads"), none)) {
      names.push_back(one.path().filename());
    }
    return names;
  }
  std::vector<std::string> ask(std::vector<std::string> requests) {
    node n(with_sockets());
    return n.run(
        [](self, host h, std::vector<std::string> all) -> task<std::vector<std::string>> {
          http::routes table;
          mount_uploads(table, h);
          net::listener l = http::testing::serve(std::move(table));
          std::vector<std::string> answers;
          for (const std::string& one : all) {
            std::string answer = co_await exchange(l, one);
            answers.push_back(std::move(answer));
          }
          co_return std::move(answers);
        },
        host_, std::move(requests));
  }
  std::string ask_one(std::string request) { return ask({std::move(request)}).front(); }
  std::string status_for(std::string request) { return status_of(ask_one(std::move(request))).substr(9); }

  [[nodiscard]] const host& server() const noexcept { return host_; }

private:
  settings how() const {
    settings s;
    s.uploads.max_file_size = 400'000;
    s.uploads.folder = folder_.file("uploads");
    s.uploads.days_kept = 2;
    return s;
  }
  store::database tables() {
    store::database_options options;
    options.where = folder_.file("messaging.db");
    options.schema = storage::schema_name;
    options.migrations = storage::migrations();
    options.durable = store::durability::normal;
    return store::database::open(options).value();
  }

  store::testing::scratch folder_;
  host host_;
};

TEST_F(an_uploaded_file, is_what_was_sent) {
  promise();
  auto a = ask({get(path), put(path, picture, "Content-Type: image/png\r\n"), get(path),
                "HEAD " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
                get(path, "Range: bytes=1-3\r\n")});
  EXPECT_EQ(status_of(a[0]), "HTTP/1.1 404") << "it has not come yet";
  EXPECT_EQ(status_of(a[1]), "HTTP/1.1 201") << a[1];
  EXPECT_EQ(status_of(a[2]), "HTTP/1.1 200");
  EXPECT_EQ(body_of(a[2]), picture);
  for (const std::string& answer : {a[2], a[3], a[4]}) {
    EXPECT_TRUE(has(answer, "\r\ncontent-type: image/png\r\n")) << answer.substr(0, 500);
    EXPECT_TRUE(has(answer, "\r\nx-content-type-options: nosniff\r\n"));
    EXPECT_TRUE(
        has(answer, "\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n"));
    EXPECT_TRUE(has(answer, "\r\nAccess-Control-Allow-Origin: *\r\n"));
    EXPECT_FALSE(has(answer, "Content-Disposition"));
  }
  EXPECT_EQ(body_of(a[3]), "");
  EXPECT_EQ(status_of(a[4]), "HTTP/1.1 206");
  EXPECT_EQ(body_of(a[4]), "PNG");
  EXPECT_THAT(files(), ElementsAre(id));
}

// XEP-0363, 8: web clients of other origins
TEST_F(an_uploaded_file, may_be_sent_by_pages_of_all_origins) {
  const std::string answer =
      ask_one("OPTIONS " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), "HTTP/1.1 204");
  EXPECT_TRUE(has(answer, "\r\nAccess-Control-Allow-Methods: OPTIONS, HEAD, GET, PUT\r\n")) << answer;
  EXPECT_TRUE(has(answer, "\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"));
  EXPECT_TRUE(has(ask_one(put(path, picture)), "\r\nAccess-Control-Allow-Origin: *\r\n"));
  EXPECT_EQ(status_for("DELETE " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"), "405");
}

TEST_F(an_uploaded_file, is_sent_once) {
  promise();
  EXPECT_EQ(status_for(put(path, picture)), "201");
  std::string other = picture;
  other[100] = 'x';
  EXPECT_EQ(status_for(put(path, other)), "409");
  EXPECT_EQ(body_of(ask_one(get(path))), picture);
}

TEST_F(an_uploaded_file, is_exactly_what_was_promised) {
  promise();
  EXPECT_EQ(status_for(put(path, picture + "x")), "413");
  EXPECT_EQ(status_for(put(path, picture.substr(1))), "400");
  EXPECT_EQ(status_for(put(path, picture, "Content-Type: text/html\r\n")), "415");
  EXPECT_EQ(status_for("PUT " + path +
                       " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "411");
  EXPECT_EQ(status_for(put("/upload/" + id + "/b.html", picture)), "404");
  EXPECT_EQ(status_for(put("/upload/ABCDEFGHIJKLMNOPQRST/a%20b.png", picture)), "404");
  EXPECT_EQ(status_for(put(path, picture)), "201") << "none of it has used the promise up";
}

TEST_F(an_uploaded_file, comes_in_time) {
  promise("image/png", now() - upload_promise_holds - 1s);
  EXPECT_EQ(status_for(put(path, picture)), "410");
  EXPECT_THAT(files(), ElementsAre());
}

TEST_F(an_uploaded_file, that_breaks_off_leaves_nothing) {
  promise();
  node n(with_sockets());
  n.run(
      [](self, host h) -> task<> {
        http::routes table;
        mount_uploads(table, h);
        net::listener l = http::testing::serve(std::move(table));
        net::tcp_socket s = co_await dial(l);
        std::string most = put(path, picture);
        most.pop_back();
        co_await s.write_all(most);
        s.shutdown_write();
        std::string answer = co_await read_until(&s);
        EXPECT_FALSE(has(answer, "201")) << answer;
      },
      server());
  EXPECT_FALSE(known()) << "it counts no more";
  EXPECT_THAT(files(), ElementsAre());
  EXPECT_EQ(status_for(get(path)), "404");
}

TEST_F(an_uploaded_file, of_another_kind_is_only_to_be_saved) {
  promise("text/html");
  ASSERT_EQ(status_for(put(path, picture, "Content-Type: text/html\r\n")), "201");
  const std::string answer = ask_one(get(path));
  EXPECT_TRUE(has(answer, "\r\ncontent-type: application/octet-stream\r\n")) << answer.substr(0, 500);
  EXPECT_TRUE(has(answer, "\r\nContent-Disposition: attachment; filename*=UTF-8''a%20b.png\r\n"));
}

TEST_F(an_uploaded_file, has_the_type_it_came_with_if_none_was_said) {
  promise("");
  ASSERT_EQ(status_for(put(path, picture, "Content-Type: image/png\r\n")), "201");
  EXPECT_TRUE(has(ask_one(get(path)), "\r\ncontent-type: image/png\r\n"));
}

TEST_F(an_uploaded_file, is_found_by_its_address_alone) {
  promise();
  ASSERT_EQ(status_for(put(path, picture)), "201");
  for (const char* wrong : {"/upload/abcdefghijklmnopqrst/a.html", "/upload/abcdefghijklmnopqrs/a%20b.png",
                            "/upload/..%2F..%2Fetc%2Fpasswd00/x", "/upload/..%2F..%2Fmessaging.db/a%20b.png",
                            "/upload/abcdefghijklmnopqrst", "/upload/", "/upload/x/y/z"}) {
    EXPECT_EQ(status_for(get(wrong)), "404") << wrong;
  }
  EXPECT_EQ(status_for(get("/upload/../messaging.db")), "400");
}

TEST_F(an_uploaded_file, goes_when_it_is_too_old_or_its_owner_has_gone) {
  change([](store::transaction& t) { storage::create_account(t, "a@h", {}, now()); });
  promise();
  ASSERT_EQ(status_for(put(path, picture)), "201");
  change([](store::transaction& t) { storage::remove_account(t, "a@h"); });
  EXPECT_EQ(status_for(get(path)), "404") << "at once";
  ASSERT_THAT(files(), ElementsAre(id));
  node n(with_sockets());
  auto up = application::boot(n, {application_spec("messaging").start(top_child(server(), {}))});
  ASSERT_TRUE(up.has_value()) << up.error().message();
  // What starts behind the sweeper's first look is answered when that is over: it is one process.
  n.run([](self) -> task<> {
    const pid sweeper = whereis(atom("upload_sweeper")).value();
    auto looked = co_await sys::get_state(sweeper);
    EXPECT_TRUE(looked.has_value());
  });
  EXPECT_FALSE(known());
  EXPECT_THAT(files(), ElementsAre());
}

} // namespace
} // namespace coppice::messaging
