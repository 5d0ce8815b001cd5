// Tutorial, step 6: the chat over HTTP and WebSocket, with the console beside it. Takes a port; 0 is any free
// one.
#include "examples/tutorial/chat.hpp"

#include <coppice/http/child.hpp>
#include <coppice/net/asio_poller.hpp>
#include <coppice/otp/logger.hpp>
#include <servers/console/shell/console.hpp>
#include <servers/web/guard.hpp>

#include <cstdio>
#include <cstdlib>
#include <fmt/ranges.h>
#include <memory>

using namespace tutorial;

std::string user_of(const http::request& r) { return std::string(r.binding("user").value_or("")); }

task<http::response> post_message(http::request& r) {
  std::string text = co_await r.body();
  cast<send_message>(server_ref<chat_server>("chat_server"), user_of(r), std::move(text));
  co_return http::response(http::status::accepted);
}

task<http::response> list_messages(http::request& r) {
  auto inbox = co_await call<get_messages>(server_ref<chat_server>("chat_server"), user_of(r));
  co_return http::response::text(fmt::format("{}\n", fmt::join(inbox, "\n")));
}

task<> listen(http::request& r, http::websocket& ws) {
  server_ref<chat_events> events("chat_events");
  auto added = co_await add_sup_handler<relay>(events, with_id(to_term(ws.process().id())), user_of(r),
                                               ws.process().id());
  if (!added) co_return;
  std::string greeting = "welcome, " + user_of(r);
  co_await ws.send_text(greeting); // from here on nothing is missed
  for (;;) {
    auto next = co_await ws.receive<said, gen_event_exit>();
    if (const said* news = std::get_if<said>(&next)) {
      co_await ws.send_text(news->text);
    } else if (!std::holds_alternative<http::websocket_message>(next)) {
      co_return; // the peer has gone, or the handler has
    }
  }
}

std::optional<http::response> admit(const web::served_hosts& hosts, const http::request_head& request) {
  auto refused = hosts.check_host(request);
  if (!refused) refused = hosts.check_origin(request, false);
  if (!refused) return std::nullopt;
  return http::response::json(web::to_json(*refused), refused->status);
}

child_spec web_server(std::uint16_t port, http::routes routes) {
  auto hosts = std::make_shared<web::served_hosts>();
  http::server_options options;
  options.listener.endpoint = net::endpoint::loopback(port);
  options.admit = [hosts](const http::request_head& r) { return admit(*hosts, r); };
  return http::child_server("http", std::move(routes), std::move(options), [hosts](const net::listener& l) {
    hosts->listens_on(l.local().port());
    fmt::print("http://{}/console/\n", l.local().to_string());
    std::fflush(stdout);
  });
}

class web_sup : public supervisor {
public:
  web_sup(child_spec server, console::console view) : server_(std::move(server)), view_(std::move(view)) {}
  [[nodiscard]] std::vector<child_spec> children() const { return {view_.supervisor(), server_}; }

private:
  child_spec server_;
  console::console view_;
};

int main(int argc, char** argv) {
  node_options options;
  options.make_poller = net::make_poller();
  node n(std::move(options));
  console::console view(n, {.name = "tutorial", .version = "1.0.0", .root = "application_controller"});
  install_logger(n, {.also = view.watcher()});

  std::uint16_t port = argc > 1 ? static_cast<std::uint16_t>(std::atoi(argv[1])) : 8080;
  http::routes routes;
  routes.post("/messages/:user", post_message);
  routes.get("/messages/:user", list_messages);
  routes.websocket("/listen/:user", listen);
  view.mount(routes);

  application_spec web = application_spec("web", "1.0.0")
                             .applications({"chat"})
                             .start(child<web_sup>("web_sup", web_server(port, std::move(routes)), view));
  auto up = application::boot(n, {std::move(web), chat_application()});
  if (!up) {
    fmt::print(stderr, "{}\n", up.error().message());
    return 1;
  }
  return n.run_until_stopped();
}
