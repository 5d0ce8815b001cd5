#include "coppice/http/detail/connection.hpp"

#include "coppice/http/fields.hpp"
#include "coppice/runtime/node.hpp"

#include <array>
#include <stdexcept>

namespace coppice::http::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t buffer_size = 16384;
constexpr std::size_t copy_below = 16384;  ///< a larger body is sent from where it lies
constexpr std::size_t flush_above = 65536; ///< answers to pipelined requests are gathered up to here
constexpr std::size_t linger_bytes = 1 << 20;
constexpr duration linger_time = 2s;

/// A status whose response has no content.
bool has_no_body(status s) noexcept {
  unsigned code = to_int(s);
  return code < 200 || code == 204 || code == 205 || code == 304;
}

} // namespace

connection::connection(self me, net::stream socket, std::shared_ptr<const server> s)
    : me_(me), socket_(std::move(socket)), server_(std::move(s)), parser_(server_->options().limits) {}

task<> connection::serve() {
  try {
    co_await serve_all();
  } catch (const disconnected&) { // nobody is left to be answered
    co_return;
  }
  socket_.close();
  if (ending_) exit(std::move(*ending_));
}

task<> connection::serve_all() {
  for (;;) {
    bool begun = co_await await_head();
    if (!begun) break;
    begin_request();
    bool go_on = co_await answer();
    if (!go_on) break;
    parser_.reset();
    first_ = false;
    if (out_.size() >= flush_above) co_await flush();
  }
  co_await flush();
  if (linger_) co_await linger();
}

void connection::begin_request() {
  body_done_ = continued_ = started_ = false;
  body_began_ = now();
}

// --- reading ---

task<bool> connection::await_head() {
  const server_options& o = server_->options();
  time_point due = now() + (first_ ? o.head_timeout : o.idle_timeout);
  bool begun = false;
  for (;;) {
    http1_event e = parser_.next(rest_);
    if (e.kind == http1_event_kind::head) co_return true;
    if (e.kind == http1_event_kind::error) {
      co_await refuse(e.error_status, e.reason);
      co_return false;
    }
    if (!parser_.in_message()) {
      bool more = co_await await_bytes(due);
      if (!more) co_return false;
      continue;
    }
    if (!begun && !first_) due = now() + o.head_timeout;
    begun = true;
    got what = co_await read_more(due);
    if (what == got::end) co_return false;
    if (what == got::late) {
      co_await refuse(status::request_timeout, "the request's head took too long");
      co_return false;
    }
  }
}

/// Waits for the first bytes of a request, holding no buffer meanwhile; false at the end.
task<bool> connection::await_bytes(time_point due) {
  co_await flush();
  for (;;) {
    if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
    net::io_result n = socket_.try_read({buffer_.get(), buffer_size});
    if (n) {
      rest_ = std::string_view(buffer_.get(), *n);
      co_return *n > 0;
    }
    if (n.error() != std::errc::operation_would_block && n.error() != std::errc::interrupted) co_return false;
    buffer_.reset();
    if (out_.capacity() > buffer_size) out_ = std::string();
    socket_.arm_readable();
    duration left = due - now();
    std::optional<std::variant<net::readable, net::drain>> m =
        co_await me_.receive<net::readable, net::drain>(left);
    if (!m || std::holds_alternative<net::drain>(*m)) co_return false;
  }
}

task<connection::got> connection::read_more(time_point due) {
  co_await flush();
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
  duration left = due - now();
  std::span<char> into(buffer_.get(), buffer_size);
  net::io_result n = co_await socket_.read_some(into, left);
  if (!n && n.error() == std::errc::timed_out) co_return got::late;
  if (!n || *n == 0) co_return got::end;
  rest_ = std::string_view(buffer_.get(), *n);
  co_return got::bytes;
}

task<std::string_view> connection::body_piece() {
  for (;;) {
    if (body_done_) co_return std::string_view();
    http1_event e = parser_.next(rest_);
    if (e.kind == http1_event_kind::body && !e.body.empty()) co_return e.body;
    if (e.kind == http1_event_kind::complete) body_done_ = true;
    if (e.kind == http1_event_kind::error) {
      must_close_ = linger_ = true;
      throw error(e.error_status, std::string(e.reason));
    }
    if (e.kind != http1_event_kind::need_more) continue;
    if (parser_.head().expects_continue && !continued_ && !started_) {
      out_.append("HTTP/1.1 100 Continue\r\n\r\n");
      continued_ = true;
    }
    got what = co_await read_more(body_due());
    if (what == got::end) throw disconnected("the peer left within its request");
    if (what == got::late) {
      must_close_ = linger_ = true;
      throw error(status::request_timeout, "the request's body came too slowly");
    }
  }
}

bool connection::skip_buffered_body() {
  while (!body_done_) {
    http1_event e = parser_.next(rest_);
    if (e.kind == http1_event_kind::complete) body_done_ = true;
    if (e.kind == http1_event_kind::need_more || e.kind == http1_event_kind::error) return false;
  }
  return true;
}

duration connection::time_for(std::uint64_t bytes) const {
  const server_options& o = server_->options();
  std::uint64_t rate = std::max<std::uint64_t>(o.minimum_rate, 1);
  constexpr std::uint64_t a_day = 86400;
  return o.transfer_grace + std::chrono::seconds(std::min(bytes / rate, a_day));
}

time_point connection::body_due() const { return body_began_ + time_for(parser_.body_bytes()); }

// --- answering ---

std::optional<response> connection::admit(const request_head& head) const {
  const auto& asked = server_->options().admit;
  return asked ? asked(head) : std::nullopt;
}

void connection::add_common_fields(http::headers& fields) const {
  for (headers::field f : server_->options().headers) {
    if (!fields.contains(f.name)) fields.add(f.name, f.value);
  }
}

task<bool> connection::answer() {
  std::optional<net::drain> drain = co_await me_.receive<net::drain>(0ns);
  if (drain) draining_ = true;
  const request_head& head = parser_.head();
  std::optional<response> refused_at_once = admit(head);
  if (refused_at_once) {
    co_await reply(std::move(*refused_at_once));
    co_return writer_.keep_alive();
  }
  request r(*this, head);
  auto found = server_->paths().match(head);
  if (!found) {
    co_await reply(response::plain_error(found.error()));
    co_return writer_.keep_alive();
  }
  r.bindings_ = std::move(found->bindings);
  r.path_info_ = std::move(found->path_info);
  const route_target* target = found->handler;
  parser_.limit_body(target->body_limit);
  if (head.framing == body_framing::length && head.content_length > target->body_limit) {
    co_await reply(response::plain_error(status::content_too_large));
    co_return writer_.keep_alive();
  }
  const handler* h = target->find(head.method);
  if (target->websocket && head.method == method::get && (head.upgrade || h == nullptr)) {
    bool go_on = co_await upgrade(target, &r);
    co_return go_on;
  }
  if (h == nullptr) {
    response refused = response::plain_error(status::method_not_allowed);
    refused.header("allow", target->allowed());
    co_await reply(std::move(refused));
    co_return writer_.keep_alive();
  }
  response made = co_await run(h, &r);
  if (started_) {
    bool go_on = co_await finish_streamed();
    co_return go_on;
  }
  co_await reply(std::move(made));
  co_return writer_.keep_alive();
}

task<response> connection::run(const handler* h, request* r) {
  std::exception_ptr failure;
  try {
    task<response> running = (*h)(*r);
    response made = co_await running;
    co_return std::move(made);
  } catch (...) { // catch-all: `failed` rethrows, reports, or keeps the process's end for after the answer
    failure = std::current_exception();
  }
  co_return failed(failure);
}

/// What is answered after an exception left a handler.
response connection::failed(const std::exception_ptr& why) {
  try {
    std::rethrow_exception(why);
  } catch (const error& e) {
    if (!started_) return response::plain_error(e.status(), e.why());
  } catch (const disconnected&) {
    throw;
  } catch (const exit_exception& e) {
    ending_ = e.reason();
  } catch (...) { // catch-all: reported below
  }
  report_failure(why);
  must_close_ = true;
  if (started_)
    throw disconnected("the handler failed within its response"); // cut short, so that the peer sees it
  return response::plain_error(status::internal_server_error);
}

void connection::report_failure(const std::exception_ptr& why) {
  report r;
  r.level = severity::error;
  r.kind = "error";
  r.process = me_.id();
  const request_head& head = parser_.head();
  r.fields.emplace_back("request", term(head.method_name + " " + head.target.substr(0, 200)));
  r.reason = exit_reason::from_exception(why);
  this_node().report(r);
}

bool connection::may_keep_alive() {
  if (!skip_buffered_body()) { // not worth waiting for: the rest of it is read and dropped before closing
    linger_ = must_close_ = true;
  }
  return !must_close_ && !draining_ && parser_.head().keep_alive;
}

response_options connection::options_now() {
  response_options o = answering(parser_.head());
  o.date = date();
  o.server = server_->options().server_name;
  return o;
}

bool connection::write_head(const response& r, std::optional<std::uint64_t> size) {
  response_options o = options_now();
  o.keep_alive = o.keep_alive && !must_close_ && !draining_;
  o.body_size = size;
  response_head head;
  head.status = r.status;
  head.headers = r.headers;
  add_common_fields(head.headers);
  write_result written = writer_.head(out_, head, o);
  if (written) return true;
  report_failure(
      std::make_exception_ptr(std::logic_error("malformed response: " + std::string(written.error()))));
  return false;
}

task<> connection::reply(response r) {
  if (has_no_body(r.status)) r.body.clear();
  must_close_ = !may_keep_alive();
  if (!write_head(r, r.body.size())) {
    must_close_ = true;
    r = response::plain_error(status::internal_server_error);
    write_head(r, r.body.size());
  }
  if (r.body.size() < copy_below) {
    (void)writer_.body(out_, r.body); // of the size announced
  } else {
    std::expected<bool, std::string_view> wanted = writer_.announce(out_, r.body.size());
    if (wanted.value_or(false)) co_await flush_with(r.body);
  }
  (void)writer_.finish(out_);
}

task<> connection::start(response r, std::optional<std::uint64_t> size) {
  if (started_) throw std::logic_error("request::start: a response has been started already");
  if (draining_) must_close_ = true;
  if (!write_head(r, size)) throw std::logic_error("request::start: the response's head is malformed");
  started_ = true;
  std::string first = std::move(r.body);
  co_await write(first);
}

task<> connection::write(std::string_view piece) {
  if (!started_) throw std::logic_error("request::write: call start first");
  if (piece.size() < copy_below) {
    write_result written = writer_.body(out_, piece);
    if (!written) throw std::logic_error("request::write: " + std::string(written.error()));
    co_await flush();
    co_return;
  }
  std::expected<bool, std::string_view> wanted = writer_.announce(out_, piece.size());
  if (!wanted) throw std::logic_error("request::write: " + std::string(wanted.error()));
  if (*wanted) co_await flush_with(piece);
}

task<bool> connection::finish_streamed() {
  write_result finished = writer_.finish(out_);
  if (!finished) {
    report_failure(
        std::make_exception_ptr(std::logic_error("streamed response: " + std::string(finished.error()))));
    throw disconnected("the response ended too early");
  }
  co_await flush();
  bool keep = may_keep_alive();
  co_return keep&& writer_.keep_alive();
}

/// Answers what could not be read as a request, for the last time on this connection.
task<> connection::refuse(http::status s, std::string_view why) {
  response r = response::plain_error(s, why);
  response_options o;
  o.keep_alive = false;
  o.body_size = r.body.size();
  o.date = date();
  response_head head;
  head.status = s;
  head.headers = r.headers;
  add_common_fields(head.headers);
  (void)writer_.head(out_, head, o); // our own texts are well-formed
  (void)writer_.body(out_, r.body);
  (void)writer_.finish(out_);
  linger_ = true;
  co_return;
}

// --- WebSocket ---

task<bool> connection::upgrade(const route_target* target, request* r) {
  const request_head& head = parser_.head();
  if (target->websocket_settings.same_origin_only && !same_origin(head)) {
    co_await reply(response::plain_error(status::forbidden, "WebSockets are for pages of this host"));
    co_return writer_.keep_alive();
  }
  auto accepted = websocket_upgrade(head, target->websocket_settings.protocols);
  if (!accepted) {
    response refused = response::plain_error(accepted.error().response.status, accepted.error().reason);
    for (headers::field f : accepted.error().response.headers) refused.header(f.name, f.value);
    co_await reply(std::move(refused));
    co_return writer_.keep_alive();
  }
  if (!skip_buffered_body()) throw disconnected("an upgrade request with a body");
  const websocket_options& settings = target->websocket_settings;
  std::optional<accepted_deflate> deflate;
  if (settings.deflate) deflate = accept_deflate(head.headers, *settings.deflate);
  if (deflate) accepted->headers.add("Sec-WebSocket-Extensions", deflate->field);
  add_common_fields(accepted->headers);
  (void)writer_.head(out_, *accepted, options_now());
  co_await flush();
  const server_options& o = server_->options();
  websocket ws(me_, socket_, settings, websocket_session::server(settings.limits), o.transfer_grace,
               o.minimum_rate);
  if (deflate) ws.session_.compress(deflate->agreement);
  ws.protocol_ = accepted->headers.get("sec-websocket-protocol").value_or("");
  ws.feed(std::exchange(rest_, {}));
  buffer_.reset();
  std::exception_ptr failure = co_await run_websocket(&target->websocket, r, &ws);
  if (failure) {
    report_failure(failure);
    ws.close(close_code::internal_error);
  }
  co_await ws.finish();
  linger_ = true; // with bytes unread, closing would take our close frame from the peer
  co_return false;
}

task<std::exception_ptr> connection::run_websocket(const websocket_handler* h, request* r, websocket* ws) {
  try {
    task<> running = (*h)(*r, *ws);
    co_await running;
  } catch (const exit_exception& e) {
    ending_ = e.reason(); // after the closing handshake
    if (!e.reason().is_clean()) co_return std::current_exception();
  } catch (...) { // catch-all: the caller reports it and closes the connection
    co_return std::current_exception();
  }
  co_return nullptr;
}

// --- writing ---

task<> connection::flush() {
  if (out_.empty()) co_return;
  net::io_result sent = co_await socket_.write_all(out_, time_for(out_.size()));
  out_.clear();
  if (!sent) throw disconnected("sending: " + sent.error().message());
}

task<> connection::flush_with(std::string_view body) {
  std::array<std::string_view, 2> pieces{out_, body};
  net::io_result sent = co_await socket_.write_all(pieces, time_for(out_.size() + body.size()));
  out_.clear();
  if (!sent) throw disconnected("sending: " + sent.error().message());
}

/// Lets the peer read the answer: closing with unread bytes would reset the connection and destroy it.
task<> connection::linger() {
  socket_.shutdown_write();
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
  std::span<char> into(buffer_.get(), buffer_size);
  time_point due = now() + linger_time;
  for (std::size_t total = 0; total < linger_bytes;) {
    duration left = due - now();
    net::io_result n = co_await socket_.read_some(into, left);
    if (!n || *n == 0) co_return;
    total += *n;
  }
}

const net::endpoint& connection::peer() {
  if (!peer_) peer_ = socket_.remote().value_or(net::endpoint());
  return *peer_;
}

std::string_view connection::date() {
  time_point at = now();
  if (date_.empty() || at >= date_until_) {
    auto wall = std::chrono::floor<std::chrono::seconds>(this_node().time().system_now());
    date_ = format_date(wall);
    date_until_ = at + (wall + 1s - this_node().time().system_now());
  }
  return date_;
}

} // namespace coppice::http::detail
