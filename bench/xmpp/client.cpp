#include "bench/xmpp/client.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <fmt/format.h>

namespace coppice::bench {
namespace {

using namespace std::chrono_literals;
constexpr duration patience = 60s;

} // namespace

bool xmpp_client::failed(std::string_view why) {
  why_ = why;
  return false;
}

task<bool> xmpp_client::send(std::string text) {
  net::io_result sent = co_await socket_.write_all(text, patience);
  over_ = over_ || !sent;
  co_return sent.has_value() || failed("sending: " + sent.error().message());
}

task<std::optional<xml::element>> xmpp_client::next(duration timeout) {
  for (;;) {
    while (std::optional<xml::stream_event> event = parser_->next()) {
      if (auto* e = std::get_if<xml::element>(&*event)) co_return std::move(*e);
      if (std::holds_alternative<xml::stream_closed>(*event)) {
        over_ = true;
        failed("the server has closed the stream");
        co_return std::nullopt;
      }
    }
    std::array<char, 2048> buffer;
    net::io_result n = co_await socket_.read_some(buffer, timeout);
    if (!n || *n == 0) {
      over_ = n || n.error() != std::errc::timed_out;
      failed(n ? "the connection has ended" : n.error().message());
      co_return std::nullopt;
    }
    if (auto fed = parser_->feed(std::string_view(buffer.data(), *n)); !fed) {
      over_ = true;
      failed(fed.error().text);
      co_return std::nullopt;
    }
  }
}

task<bool> xmpp_client::open() {
  parser_.emplace();
  bool sent = co_await send(fmt::format("<stream:stream to='{}' version='1.0' xmlns='jabber:client' "
                                        "xmlns:stream='http://etherx.jabber.org/streams'>",
                                        domain_));
  if (!sent) co_return false;
  std::optional<xml::element> features = co_await next(patience);
  co_return features && (features->name() == "features" || failed(features->to_string()));
}

/// What the server says to that in base64; '' if it answers something else.
task<std::string> xmpp_client::ask(std::string element, std::string answered) {
  bool asked = co_await send(std::move(element));
  if (!asked) co_return std::string();
  std::optional<xml::element> answer = co_await next(patience);
  if (answer && answer->name() == answered) {
    co_return net::detail::from_base64(answer->text()).value_or(std::string());
  }
  failed(answer ? answer->to_string() : why_);
  co_return std::string();
}

task<bool> xmpp_client::prove(std::string user, std::string password) {
  auto socket = co_await net::connect(to_, patience);
  if (!socket) co_return failed("connecting: " + socket.error().message());
  auto secured = co_await net::tls_connect(std::move(*socket), tls_, domain_, patience);
  if (!secured) co_return failed("TLS: " + secured.error().text);
  socket_ = std::move(*secured);
  over_ = false;
  bool opened = co_await open();
  if (!opened) co_return false;
  const std::string first = net::detail::to_base64(scram_.first(user));
  std::string challenge = co_await ask(fmt::format("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
                                                   "mechanism='SCRAM-SHA-1'>{}</auth>",
                                                   first),
                                       "challenge");
  if (challenge.empty()) co_return false;
  const std::optional<std::string> last = scram_.last(challenge, password);
  if (!last) co_return failed("the challenge '" + challenge + "'");
  const std::string response = net::detail::to_base64(*last);
  std::string success = co_await ask(
      fmt::format("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</response>", response), "success");
  if (success.empty()) co_return false;
  bool again = co_await open();
  co_return again;
}

task<bool> xmpp_client::bind(std::string resource) {
  bool asked = co_await send(fmt::format("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:"
                                         "xmpp-bind'><resource>{}</resource></bind></iq>",
                                         resource));
  if (!asked) co_return false;
  std::optional<xml::element> bound = co_await next(patience);
  if (!bound || bound->get("type") != "result") co_return failed(bound ? bound->to_string() : why_);
  const xml::element* answer = bound->child(xmpp::ns::bind, "bind");
  address_ = answer != nullptr ? answer->text_of("jid").value_or("") : "";
  co_return true;
}

task<bool> xmpp_client::sign_in(std::string user, std::string password, std::string resource) {
  resumed_ = false;
  bool known = co_await prove(std::move(user), std::move(password));
  if (!known) co_return false;
  bool bound = co_await bind(std::move(resource));
  co_return bound;
}

task<bool> xmpp_client::sign_in_again(std::string user, std::string password, std::string resource,
                                      std::string previous, std::uint32_t handled) {
  resumed_ = false;
  bool known = co_await prove(std::move(user), std::move(password));
  if (!known) co_return false;
  bool asked =
      co_await send(fmt::format("<resume xmlns='urn:xmpp:sm:3' previd='{}' h='{}'/>", previous, handled));
  if (!asked) co_return false;
  std::optional<xml::element> answer = co_await next(patience);
  if (!answer) co_return false;
  if (answer->name() == "resumed") {
    resumed_ = true;
    handled_ = static_cast<std::uint32_t>(std::stoul(std::string(answer->get("h"))));
    co_return true;
  }
  bool bound = co_await bind(std::move(resource));
  co_return bound;
}

task<> xmpp_client::close() {
  bool said = co_await send("</stream:stream>");
  static_cast<void>(said); // it may be gone already
  socket_.close();
}

} // namespace coppice::bench
