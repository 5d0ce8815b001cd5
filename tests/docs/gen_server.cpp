// docs/gen_server.md and docs/coroutines.md
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/await_all.hpp"

using namespace coppice;
using namespace std::chrono_literals;

struct increment {
  int by;
};
struct reset {};

class counter : public coppice::gen_server {
public:
  using protocol = coppice::protocol<coppice::calls<increment, int>, coppice::casts<reset>>;
  int handle_call(increment m) { return n_ += m.by; }
  void handle_cast(reset) { n_ = 0; }

private:
  int n_ = 0;
};

task<> use() {
  auto s = co_await start_link<counter>(local("counter"));
  int n = co_await call<increment>(*s, 2);
  std::expected<int, exit_reason> m = co_await try_call<increment>(*s, within(1s), 2);
  cast<reset>(*s);
}

struct money {
  int cents;
};
struct count {
  std::string what;
};
struct price_of {
  std::string what;
};
struct store_server : gen_server {
  using protocol = coppice::protocol<calls<count, int>>;
  static int handle_call(const count&) { return 1; }
};
struct shop_server : gen_server {
  using protocol = coppice::protocol<calls<price_of, money>>;
  static money handle_call(const price_of&) { return {1}; }
};

task<> many(server_ref<store_server> store, server_ref<shop_server> shop,
            std::vector<request_id<int>> requests) {
  request_id<int> stock = send_request<count>(store, "apples");
  request_id<money> price = send_request<price_of>(shop, "apples");
  auto both = co_await await_all(stock, price);
  auto& [n, p] = both; // std::expected<int, exit_reason>, std::expected<money, exit_reason>
  auto all = co_await await_all(requests, 1s);
}

struct get_messages {
  std::string user;
};
struct chat_server : gen_server {
  using protocol = coppice::protocol<calls<get_messages, std::vector<std::string>>>;
  static std::vector<std::string> handle_call(const get_messages&) { return {}; }
};

task<> safe(server_ref<chat_server> chat) { auto inbox = co_await call<get_messages>(chat, "bob"); }
