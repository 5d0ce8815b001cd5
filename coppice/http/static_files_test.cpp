#include "coppice/http/static_files.hpp"

#include "coppice/http/detail/http_test.hpp"

#include <filesystem>
#include <fstream>

namespace coppice::http {
namespace {

using namespace testing;
namespace fs = std::filesystem;

/// A directory of files to serve, gone with the test.
class site {
public:
  site() {
    std::string name = (fs::temp_directory_path() / "coppice-site-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    top_ = name;
    fs::create_directories(root() / "sub");
    put("index.html", "<p>home</p>");
    put("sub/index.html", "<p>sub</p>");
    put("digits.txt", "0123456789");
    put("empty.css", "");
    put(".secret", "x");
    std::string big(1'000'000, 'b');
    big.replace(500'000, 6, "middle");
    put("big.bin", big);
    std::ofstream(top_ / "outside.txt") << "not for you";
    fs::create_symlink(top_ / "outside.txt", root() / "link.txt");
  }
  ~site() { fs::remove_all(top_); }
  site(const site&) = delete;
  site& operator=(const site&) = delete;

  [[nodiscard]] fs::path root() const { return top_ / "root"; }
  [[nodiscard]] routes table() const {
    routes all;
    all.files("/s/[...]", {.root = root().string(), .headers = {{"x-frame-options", "DENY"}}});
    return all;
  }

private:
  void put(const std::string& name, const std::string& content) { std::ofstream(root() / name) << content; }
  fs::path top_;
};

std::string field(const std::string& answer, const std::string& name) {
  std::size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "";
  at += name.size() + 4;
  return answer.substr(at, answer.find("\r\n", at) - at);
}

class static_files_test : public ::testing::Test {
protected:
  /// Asks for each in turn.
  std::vector<std::string> ask(std::vector<std::string> requests) {
    return node_.run(
        [](self, routes table, std::vector<std::string> all) -> task<std::vector<std::string>> {
          net::listener l = serve(std::move(table));
          std::vector<std::string> answers;
          for (const std::string& one : all) {
            std::string answer = co_await exchange(l, one);
            answers.push_back(std::move(answer));
          }
          co_return std::move(answers);
        },
        site_.table(), std::move(requests));
  }

  site site_;
  node node_{with_sockets()};
};

TEST_F(static_files_test, files_have_types_and_validators) {
  auto a = ask({get("/s/digits.txt"), get("/s/"), get("/s/sub/"), get("/s/empty.css"), get("/s/big.bin"),
                "HEAD /s/big.bin HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"});
  EXPECT_EQ(status_of(a[0]), "HTTP/1.1 200");
  EXPECT_EQ(body_of(a[0]), "0123456789");
  EXPECT_EQ(field(a[0], "content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(field(a[0], "cache-control"), "no-cache");
  EXPECT_EQ(field(a[0], "x-content-type-options"), "nosniff");
  EXPECT_EQ(field(a[0], "x-frame-options"), "DENY");
  EXPECT_FALSE(field(a[0], "etag").empty());
  EXPECT_FALSE(field(a[0], "last-modified").empty());
  EXPECT_EQ(body_of(a[1]), "<p>home</p>");
  EXPECT_EQ(body_of(a[2]), "<p>sub</p>");
  EXPECT_EQ(status_of(a[3]), "HTTP/1.1 200");
  EXPECT_EQ(field(a[3], "content-length"), "0");
  EXPECT_EQ(body_of(a[4]).size(), 1'000'000U);
  EXPECT_EQ(body_of(a[4]).substr(499'999, 8), "bmiddleb");
  EXPECT_EQ(field(a[5], "content-length"), "1000000");
  EXPECT_EQ(body_of(a[5]), "");
}

TEST_F(static_files_test, an_unchanged_file_is_not_sent_again) {
  std::string tag = field(ask({get("/s/digits.txt")})[0], "etag");
  auto a = ask({get("/s/digits.txt", "If-None-Match: " + tag + "\r\n"),
                get("/s/digits.txt", "If-None-Match: \"other\"\r\n"),
                get("/s/digits.txt", "If-Match: \"other\"\r\n")});
  EXPECT_EQ(status_of(a[0]), "HTTP/1.1 304");
  EXPECT_EQ(body_of(a[0]), "");
  EXPECT_EQ(field(a[0], "etag"), tag);
  EXPECT_EQ(status_of(a[1]), "HTTP/1.1 200");
  EXPECT_EQ(status_of(a[2]), "HTTP/1.1 412");
}

TEST_F(static_files_test, ranges_are_served) {
  auto a =
      ask({get("/s/digits.txt", "Range: bytes=2-4\r\n"), get("/s/digits.txt", "Range: bytes=-3\r\n"),
           get("/s/digits.txt", "Range: bytes=10-\r\n"), get("/s/big.bin", "Range: bytes=500000-500005\r\n"),
           get("/s/digits.txt", "Range: bytes=0-1,5-6\r\n")});
  EXPECT_EQ(status_of(a[0]), "HTTP/1.1 206");
  EXPECT_EQ(body_of(a[0]), "234");
  EXPECT_EQ(field(a[0], "content-range"), "bytes 2-4/10");
  EXPECT_EQ(body_of(a[1]), "789");
  EXPECT_EQ(status_of(a[2]), "HTTP/1.1 416");
  EXPECT_EQ(field(a[2], "content-range"), "bytes */10");
  EXPECT_EQ(body_of(a[3]), "middle");
  EXPECT_TRUE(field(a[4], "content-type").starts_with("multipart/byteranges"));
  EXPECT_TRUE(has(a[4], "\r\n\r\n01\r\n--"));
  EXPECT_TRUE(has(a[4], "\r\n\r\n56\r\n--"));
}

TEST_F(static_files_test, nothing_else_is_found) {
  auto a = ask({get("/s/nothing"), get("/s/link.txt"), get("/s/.secret"), get("/s/%2e%2e/outside.txt"),
                get("/s/..%2foutside.txt"), get("/s/digits.txt/"), get("/s/sub"), get("/s//digits.txt")});
  EXPECT_EQ(status_of(a[0]), "HTTP/1.1 404");
  EXPECT_EQ(status_of(a[1]), "HTTP/1.1 404") << "a link that leads out";
  EXPECT_EQ(status_of(a[2]), "HTTP/1.1 404");
  EXPECT_EQ(status_of(a[3]), "HTTP/1.1 400");
  EXPECT_EQ(status_of(a[4]), "HTTP/1.1 404");
  EXPECT_EQ(status_of(a[5]), "HTTP/1.1 404");
  EXPECT_EQ(status_of(a[6]), "HTTP/1.1 301");
  EXPECT_EQ(field(a[6], "location"), "/s/sub/");
  EXPECT_EQ(status_of(a[7]), "HTTP/1.1 404");
}

} // namespace
} // namespace coppice::http
