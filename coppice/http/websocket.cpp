#include "coppice/http/websocket.hpp"

#include <algorithm>
#include <utility>

namespace coppice::http {

namespace {

constexpr std::size_t max_control_size = 125;
constexpr std::size_t compress_from = 32; ///< bytes; a smaller message would hardly get smaller

std::unexpected<std::string_view> refuse(std::string_view why) { return std::unexpected(why); }

std::string close_payload(close_code code, std::string_view reason) {
  if (code == close_code::no_status) return {};
  const auto n = static_cast<unsigned>(code);
  std::string payload{static_cast<char>(n >> 8), static_cast<char>(n & 0xff)};
  payload.append(reason);
  return payload;
}

} // namespace

websocket_session::websocket_session(websocket_role role, mask_source masks, const websocket_limits& limits)
    : limits_(limits), masks_(std::move(masks)), parser_(role, std::min(limits.frame, limits.message)) {}

websocket_session websocket_session::server(const websocket_limits& limits) {
  return {websocket_role::server, nullptr, limits};
}

websocket_session websocket_session::client(mask_source masks, const websocket_limits& limits) {
  return {websocket_role::client, std::move(masks), limits};
}

void websocket_session::compress(const deflate_agreement& agreement) {
  deflater_.emplace(agreement);
  parser_.allow_compressed();
}

std::vector<websocket_event> websocket_session::feed(std::string_view bytes) {
  events out;
  while (state_ != state::closed) {
    const frame_event event = parser_.next(bytes);
    switch (event.kind) {
    case frame_event_kind::need_more: return out;
    case frame_event_kind::header: on_header(out); break;
    case frame_event_kind::payload: on_payload(event, out); break;
    case frame_event_kind::end: on_end(out); break;
    case frame_event_kind::error: fail(event.code, event.reason, out); break;
    }
  }
  return out;
}

std::optional<websocket_event> websocket_session::finish() {
  if (state_ == state::closed) return std::nullopt;
  state_ = state::closed;
  return websocket_event{websocket_event_kind::close, "the connection ended without a close frame",
                         close_code::abnormal, false};
}

void websocket_session::send(opcode op, std::string_view payload) {
  std::optional<frame_mask> mask;
  if (masks_) mask = masks_();
  if (!deflater_ || !deflater_->can_compress() || is_control(op) || payload.size() < compress_from) {
    return write_frame(output_, op, payload, true, mask);
  }
  write_frame(output_, op, deflater_->compress(payload), true, mask, true);
}

/// RFC 6455 section 7.1.7: say why, then nothing more is read or written.
void websocket_session::fail(close_code code, std::string_view reason, events& out) {
  if (state_ == state::open) send(opcode::close, close_payload(code, reason));
  state_ = state::closed;
  out.push_back({websocket_event_kind::close, std::string(reason), code, false});
}

void websocket_session::on_header(events& out) {
  const frame_header& header = parser_.header();
  if (is_control(header.opcode)) {
    control_.clear();
    return;
  }
  const bool continues = header.opcode == opcode::continuation;
  if (continues && fragments_ == 0) {
    return fail(close_code::protocol_error, "a continuation frame continues nothing", out);
  }
  if (!continues && fragments_ > 0) {
    return fail(close_code::protocol_error, "a new message begins inside a fragmented one", out);
  }
  if (!continues) {
    message_opcode_ = header.opcode;
    message_compressed_ = header.compressed;
    message_.clear();
    utf8_.reset();
  }
  if (++fragments_ > limits_.fragments) {
    return fail(close_code::policy_violation, "a message has too many fragments", out);
  }
  if (!message_compressed_ && header.size > limits_.message - message_.size()) {
    return fail(close_code::message_too_big, "a message is too large", out);
  }
}

void websocket_session::on_payload(const frame_event& piece, events& out) {
  const frame_header& header = parser_.header();
  std::string& into = is_control(header.opcode) ? control_ : message_;
  const std::size_t begin = into.size();
  if (message_compressed_ && !is_control(header.opcode)) {
    std::string payload(piece.payload);
    if (header.mask) apply_mask(payload.data(), payload.size(), *header.mask, piece.offset);
    return on_inflated(deflater_->inflate(payload, message_, limits_.message), begin, out);
  }
  into.append(piece.payload);
  if (header.mask) apply_mask(into.data() + begin, piece.payload.size(), *header.mask, piece.offset);
  if (is_control(header.opcode) || message_opcode_ != opcode::text) return;
  if (!utf8_.feed(std::string_view(message_).substr(begin))) {
    fail(close_code::invalid_payload, "a text message is not UTF-8", out);
  }
}

/// What was inflated is in the message, from `begin` on.
void websocket_session::on_inflated(websocket_deflater::outcome result, std::size_t begin, events& out) {
  if (message_opcode_ == opcode::text && !utf8_.feed(std::string_view(message_).substr(begin))) {
    return fail(close_code::invalid_payload, "a text message is not UTF-8", out);
  }
  if (result == websocket_deflater::outcome::malformed) {
    return fail(close_code::invalid_payload, "a compressed message is malformed", out);
  }
  if (result == websocket_deflater::outcome::too_large) {
    fail(close_code::message_too_big, "a message is too large", out);
  }
}

void websocket_session::on_end(events& out) {
  const frame_header& header = parser_.header();
  switch (header.opcode) {
  case opcode::close: return on_close(out);
  case opcode::ping:
    if (state_ == state::open) send(opcode::pong, control_);
    out.push_back({websocket_event_kind::ping, std::move(control_), {}, true});
    return;
  case opcode::pong: out.push_back({websocket_event_kind::pong, std::move(control_), {}, true}); return;
  default: break;
  }
  if (!header.fin) return;
  fragments_ = 0;
  if (message_compressed_) {
    const std::size_t begin = message_.size();
    on_inflated(deflater_->end(message_, limits_.message), begin, out);
    if (state_ == state::closed) return;
  }
  if (message_opcode_ == opcode::text && !utf8_.complete()) {
    return fail(close_code::invalid_payload, "a text message ends in the middle of a character", out);
  }
  const auto kind =
      message_opcode_ == opcode::text ? websocket_event_kind::text : websocket_event_kind::binary;
  out.push_back({kind, std::move(message_), {}, true});
  message_.clear();
}

/// RFC 6455 section 5.5.1: echo the code, unless this answers our own close.
void websocket_session::on_close(events& out) {
  websocket_event event{websocket_event_kind::close, {}, close_code::no_status, true};
  if (control_.size() == 1) return fail(close_code::protocol_error, "a close frame has half a code", out);
  if (control_.size() >= 2) {
    const auto high = static_cast<unsigned char>(control_[0]);
    const auto low = static_cast<unsigned char>(control_[1]);
    event.code = static_cast<close_code>(high << 8 | low);
    event.data = control_.substr(2);
    if (!valid_on_wire(event.code))
      return fail(close_code::protocol_error, "a close frame has no valid code", out);
    if (!detail::is_utf8(event.data))
      return fail(close_code::invalid_payload, "a close reason is not UTF-8", out);
  }
  if (state_ == state::open) send(opcode::close, close_payload(event.code, {}));
  state_ = state::closed;
  out.push_back(std::move(event));
}

websocket_session::send_result websocket_session::send_data(opcode op, std::string_view payload) {
  if (state_ != state::open) return refuse("the WebSocket is closing or closed");
  send(op, payload);
  return {};
}

websocket_session::send_result websocket_session::text(std::string_view message) {
  if (!detail::is_utf8(message)) return refuse("a text message must be UTF-8; send it as binary");
  return send_data(opcode::text, message);
}

websocket_session::send_result websocket_session::binary(std::string_view message) {
  return send_data(opcode::binary, message);
}

websocket_session::send_result websocket_session::ping(std::string_view payload) {
  if (payload.size() > max_control_size) return refuse("a ping carries at most 125 bytes");
  return send_data(opcode::ping, payload);
}

websocket_session::send_result websocket_session::pong(std::string_view payload) {
  if (payload.size() > max_control_size) return refuse("a pong carries at most 125 bytes");
  return send_data(opcode::pong, payload);
}

websocket_session::send_result websocket_session::close(close_code code, std::string_view reason) {
  if (code == close_code::no_status && !reason.empty()) return refuse("a reason needs a close code");
  if (code != close_code::no_status && !valid_on_wire(code))
    return refuse("this close code is not for the wire");
  if (reason.size() > max_control_size - 2) return refuse("a close reason has at most 123 bytes");
  if (!detail::is_utf8(reason)) return refuse("a close reason must be UTF-8");
  if (const auto sent = send_data(opcode::close, close_payload(code, reason)); !sent) return sent;
  state_ = state::closing;
  return {};
}

std::string websocket_session::take_output() noexcept { return std::exchange(output_, {}); }

} // namespace coppice::http
