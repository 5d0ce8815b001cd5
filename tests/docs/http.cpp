// coppice/http/README.md
#include "coppice/http/child.hpp"
#include "coppice/http/client.hpp"
#include "coppice/http/server.hpp"
#include "coppice/http/websocket_client.hpp"
#include "coppice/otp/supervisor.hpp"

using namespace coppice;

task<http::response> take_order(http::request& r);
task<> chat(http::request& r, http::websocket& ws);
void use(unsigned code, const std::string& body);

void serve() {
  http::routes table;
  table.get("/hello/:name", [](http::request& r) {
    return http::response::text("hello " + std::string(*r.binding("name")));
  });
  table.post("/orders", &take_order, {.body_limit = 64 << 10}); // task<response> take_order(request&)
  table.files("/[...]", {.root = "web"});
  table.websocket("/ws", &chat); // task<> chat(request&, websocket&)

  auto l = http::start_server(std::move(table),
                              {.listener = {.endpoint = *net::endpoint::parse("127.0.0.1:8080")}});
}

class web_sup : public supervisor {
public:
  explicit web_sup(http::routes table) : table_(std::move(table)) {}
  std::vector<child_spec> children() const { return {http::child_server("http", table_, options_)}; }

private:
  http::routes table_;
  http::server_options options_;
};

task<> ask(self me, http::client_request upload, std::string piece) {
  auto web = co_await http::start_client();
  auto got = co_await web->fetch(http::client_request::get("https://example.org/x"));
  if (got) use(got->status(), got->body);

  auto x = co_await web->open(std::move(upload));
  co_await x->write(piece);
  auto head = co_await x->response();
  auto next = co_await x->body_piece();

  auto ws = co_await http::open_websocket(me, *web, http::client_request::get("wss://example.org/ws"));
  co_await (*ws)->send_text("hello");
}
