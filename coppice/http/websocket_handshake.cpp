// The opening handshake (RFC 6455 section 4), both sides.
#include <algorithm>
#include <array>
#include <stdexcept>

#include <openssl/evp.h>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"
#include "coppice/http/websocket.hpp"
#include "coppice/net/detail/base64.hpp"

namespace coppice::http {

namespace {

constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // section 1.3

/// 16 bytes, as they are written.
bool valid_key(std::string_view key) {
  if (key.size() != 24) return false;
  const std::optional<std::string> bytes = net::detail::from_base64(key);
  return bytes && bytes->size() == 16;
}

std::unexpected<websocket_refusal> refuse(status code, std::string_view reason) {
  websocket_refusal refusal;
  refusal.response.status = code;
  if (code == status::upgrade_required) {
    refusal.response.headers.add("Upgrade", "websocket");
    refusal.response.headers.add("Connection", "upgrade");
    refusal.response.headers.add("Sec-WebSocket-Version", "13");
  }
  refusal.reason = reason;
  return std::unexpected(std::move(refusal));
}

/// The server's first choice that the client offers, or none; false if the offer is malformed.
bool choose_protocol(const headers& fields, std::span<const std::string> protocols, std::string& chosen) {
  std::size_t best = protocols.size();
  for (const headers::field f : fields) {
    if (!detail::iequals(f.name, "sec-websocket-protocol")) continue;
    std::string_view rest = f.value;
    std::string_view offered;
    while (next_element(rest, offered)) {
      if (!is_token(offered)) return false;
      const auto found = std::find(protocols.begin(), protocols.end(), offered);
      best = std::min(best, static_cast<std::size_t>(found - protocols.begin()));
    }
  }
  if (best < protocols.size()) chosen = protocols[best];
  return true;
}

} // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key).append(magic);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) != 1) {
    throw std::runtime_error("websocket_accept: this OpenSSL provides no SHA-1");
  }
  return net::detail::to_base64(std::span<const std::uint8_t>(digest).first(size));
}

std::expected<response_head, websocket_refusal> websocket_upgrade(const request_head& request,
                                                                  std::span<const std::string> protocols) {
  const headers& fields = request.headers;
  if (!request.upgrade || !has_token(fields, "upgrade", "websocket")) {
    return refuse(status::upgrade_required, "this is for WebSocket clients");
  }
  if (request.method != method::get) return refuse(status::bad_request, "a WebSocket begins with a GET");
  if (request.framing != body_framing::none && request.content_length > 0) {
    return refuse(status::bad_request, "a WebSocket's request has no body");
  }
  if (request.framing == body_framing::chunked) {
    return refuse(status::bad_request, "a WebSocket's request has no body");
  }
  if (fields.only("sec-websocket-version") != "13") {
    return refuse(status::upgrade_required, "the WebSocket version spoken here is 13");
  }
  const std::string_view key = fields.only("sec-websocket-key").value_or("");
  if (!valid_key(key)) {
    return refuse(status::bad_request, "Sec-WebSocket-Key must be 16 bytes in base64, once");
  }
  std::string protocol;
  if (!choose_protocol(fields, protocols, protocol)) {
    return refuse(status::bad_request, "malformed Sec-WebSocket-Protocol");
  }
  response_head response;
  response.status = status::switching_protocols;
  response.headers.add("Upgrade", "websocket");
  response.headers.add("Connection", "Upgrade");
  response.headers.add("Sec-WebSocket-Accept", websocket_accept(key));
  if (!protocol.empty()) response.headers.add("Sec-WebSocket-Protocol", protocol);
  return response;
}

request_to_send websocket_request(std::string authority, std::string target,
                                  std::span<const std::uint8_t, 16> nonce,
                                  std::span<const std::string> protocols) {
  request_to_send request;
  request.authority = std::move(authority);
  request.target = std::move(target);
  request.headers.add("Upgrade", "websocket");
  request.headers.add("Connection", "Upgrade");
  request.headers.add("Sec-WebSocket-Key", net::detail::to_base64(nonce));
  request.headers.add("Sec-WebSocket-Version", "13");
  for (const std::string& protocol : protocols) request.headers.add("Sec-WebSocket-Protocol", protocol);
  return request;
}

std::expected<std::string, std::string_view> websocket_accepted(const response_head& response,
                                                                const request_to_send& request) {
  const headers& fields = response.headers;
  const auto refuse_response = [](std::string_view why) { return std::unexpected(why); };
  if (response.status != status::switching_protocols)
    return refuse_response("the server did not switch protocols");
  if (!has_token(fields, "connection", "upgrade") ||
      !detail::iequals(fields.only("upgrade").value_or(""), "websocket")) {
    return refuse_response("the server switched to something else than WebSocket");
  }
  const std::string expected = websocket_accept(request.headers.get("sec-websocket-key").value_or(""));
  if (fields.only("sec-websocket-accept") != expected) {
    return refuse_response("the server's Sec-WebSocket-Accept does not match");
  }
  if (fields.contains("sec-websocket-extensions") && !request.headers.contains("sec-websocket-extensions")) {
    return refuse_response("the server uses an extension that was not offered");
  }
  if (!fields.contains("sec-websocket-protocol")) return std::string();
  std::string protocol(fields.only("sec-websocket-protocol").value_or(""));
  if (!has_token(request.headers, "sec-websocket-protocol", protocol)) {
    return refuse_response("the server chose a subprotocol that was not offered");
  }
  return protocol;
}

} // namespace coppice::http
