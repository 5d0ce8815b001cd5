#include "servers/chat/application.hpp"

#include "coppice/http/mime.hpp"
#include "servers/chat/shell/connection.hpp"
#include "servers/web/file.hpp"

#include <span>

namespace coppice::chat {

std::span<const web::file> page_files(); // cmake/coppice_embed.cmake writes it

namespace {

using namespace std::chrono_literals;

/// Messages and frames of the WebSocket in one: what `ws.receive` gives beside them goes to the connection.
template <class Got>
std::optional<connection_news> as_news(Got& got) {
  return std::visit(
      [](auto& m) -> std::optional<connection_news> {
        if constexpr (std::is_constructible_v<connection_news, decltype(std::move(m))>) return std::move(m);
        return std::nullopt;
      },
      got);
}

task<> serve_client(chat c, http::websocket& ws) {
  connection client(std::move(c), ws.process());
  client.start();
  for (;;) {
    auto got = co_await ws.receive<deliver, room_news, left_news, presence_news, online_news, rooms_news,
                                   renumbered, hello_timeout, reconnect, down>();
    if (std::holds_alternative<http::websocket_closed>(got)) co_return;
    if (auto* message = std::get_if<http::websocket_message>(&got)) {
      // A binary message is no JSON; said as text it is refused as such.
      std::string frame = message->is_text ? std::move(message->data) : std::string("binary");
      co_await client.take_frame(std::move(frame));
    } else if (std::optional<connection_news> news = as_news(got)) {
      co_await client.take_news(std::move(*news));
    }
    const std::vector<std::string> output = client.take_output();
    for (const std::string& frame : output) {
      bool sent = co_await ws.send_text(frame);
      if (!sent) break; // `websocket_closed` follows
    }
    client.written();
    if (const auto why = client.closing(); why && ws.is_open()) ws.close(static_cast<http::close_code>(*why));
  }
}

http::response serve_file(std::string_view name) {
  for (const web::file& file : page_files()) {
    if (file.name == name) {
      return {http::status::ok, http::content_type(name), std::string(file.content)};
    }
  }
  throw http::error(http::status::not_found);
}

} // namespace

child_description top_child(const chat& c) { return child<chat_sup>("chat_sup", local("chat_sup"), c); }

application_spec application(const chat& c) {
  return application_spec("chat").description("People chat in their browsers").start(top_child(c));
}

void mount(http::routes& routes, const chat& c) {
  http::websocket_options options;
  options.limits.frame = options.limits.message = frames::longest;
  options.ping_interval = 20s;
  options.pong_timeout = 20s;
  routes.get("/chat/", [](http::request&) { return serve_file("index.html"); })
      .get("/chat/:file", [](http::request& r) { return serve_file(*r.binding("file")); })
      .websocket(
          "/chat/ws", [c](http::request&, http::websocket& ws) { return serve_client(c, ws); }, options);
}

} // namespace coppice::chat
