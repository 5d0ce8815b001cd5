#include "coppice/http/detail/client_exchange.hpp"

#include "coppice/http/detail/client_pool.hpp"
#include "coppice/runtime/node.hpp"

#include <array>

namespace coppice::http::detail {
namespace {

constexpr std::size_t buffer_size = 16384;
constexpr std::size_t copy_below = 16384; ///< a larger piece is sent from where it lies
constexpr unsigned interim_responses = 16;
constexpr std::size_t addresses_tried = 4;

std::unexpected<client_error> failed(client_errc code, std::string text) {
  return std::unexpected(client_error{code, std::move(text)});
}
std::unexpected<client_error> failed(const std::error_code& e, std::string_view doing) {
  client_errc code = e == std::errc::timed_out ? client_errc::timed_out : client_errc::broken;
  return failed(code, std::string(doing) + ": " + e.message());
}

/// RFC 9110 section 9.2.2.
bool is_idempotent(method m) noexcept {
  switch (m) {
  case method::get:
  case method::head:
  case method::put:
  case method::delete_:
  case method::options:
  case method::trace: return true;
  default: return false;
  }
}

} // namespace

client_exchange::client_exchange(pid pool, std::shared_ptr<const client_settings> settings, http::url to)
    : pool_(pool), home_(&this_node()), settings_(std::move(settings)), to_(std::move(to)),
      lease_(make_ref()), parser_(settings_->options.limits) {}

client_exchange::~client_exchange() { give_back(false); }

void client_exchange::give_back(bool keep) noexcept {
  if (!std::exchange(borrowed_, false)) return;
  connection_back back{lease_, {}};
  if (keep) back.connection = std::move(connection_);
  home_->send(pool_, std::move(back));
}

// --- the connection ---

task<client_result<>> client_exchange::borrow(bool fresh) {
  time_point due = std::min(due_, now() + settings_->options.connect_timeout);
  server_ref<client_pool> pool{server_name(pool_)};
  within left(due - now());
  borrowed_ = true; // from here on it has to be given back, whether we hear of it or not
  std::string origin = to_.origin();
  auto granted = co_await try_call<connection_wanted>(pool, left, origin, lease_, fresh);
  if (!granted) {
    if (granted.error() == exit_reason::timeout())
      co_return failed(client_errc::timed_out, "waiting for a connection to " + origin);
    co_return failed(client_errc::stopped, "the client has been stopped");
  }
  connection_ = std::move(granted->connection);
  used_before_ = connection_.is_open();
  if (used_before_) co_return client_result<>();
  client_result<> done = co_await dial(due);
  co_return std::move(done);
}

task<client_result<>> client_exchange::dial(time_point due) {
  std::vector<net::endpoint> all;
  bool v6 = to_.host.find(':') != std::string::npos;
  std::string numeric = (v6 ? "[" + to_.host + "]" : to_.host) + ":" + std::to_string(to_.port);
  if (std::expected<net::endpoint, std::string> address = net::endpoint::parse(numeric)) {
    all.push_back(*address);
  } else {
    auto found = co_await net::resolve(to_.host, to_.port, due - now());
    if (!found) {
      if (now() >= due) co_return failed(client_errc::timed_out, found.error());
      co_return failed(client_errc::no_address, found.error());
    }
    all = std::move(*found);
  }
  std::error_code last = std::make_error_code(std::errc::host_unreachable);
  for (std::size_t i = 0; i < std::min(all.size(), addresses_tried); ++i) {
    std::expected<net::tcp_socket, std::error_code> socket = co_await net::connect(all[i], due - now());
    if (socket) {
      client_result<> done = co_await secure(std::move(*socket), due);
      co_return std::move(done);
    }
    last = socket.error();
  }
  if (last == std::errc::timed_out) co_return failed(last, "connecting to " + to_.origin());
  co_return failed(client_errc::connect, "connecting to " + to_.origin() + ": " + last.message());
}

task<client_result<>> client_exchange::secure(net::tcp_socket socket, time_point due) {
  if (!to_.secure) {
    connection_ = net::stream(std::move(socket));
    co_return client_result<>();
  }
  duration left = due - now();
  auto secured = co_await net::tls_connect(std::move(socket), settings_->tls, to_.host, left);
  if (!secured) {
    client_errc code =
        secured.error().code == std::errc::timed_out ? client_errc::timed_out : client_errc::connect;
    co_return failed(code, "TLS with " + to_.origin() + ": " + secured.error().text);
  }
  connection_ = std::move(*secured);
  co_return client_result<>();
}

// --- the request ---

task<client_result<>> client_exchange::begin(const client_request* request) {
  const client_options& o = settings_->options;
  due_ = now() + request->timeout.value_or(o.timeout);
  request_to_send head;
  head.method = request->method;
  head.target = to_.target;
  head.authority = to_.authority;
  head.headers = request->headers;
  head.body_size = request->streams_body ? request->body_size : request->body.size();
  write_result written = writer_.head(out_, head);
  if (!written) co_return failed(client_errc::bad_request, std::string(written.error()));
  method m = method_from(request->method);
  if (m == method::connect) co_return failed(client_errc::bad_request, "CONNECT is not for this client");
  parser_.expect(m);
  if (!request->streams_body) {
    (void)writer_.body(out_, request->body); // of the size announced
    (void)writer_.finish(out_);
    sent_ = true;
    repeatable_ = is_idempotent(m);
  }
  client_result<> borrowed = co_await borrow(false);
  if (!borrowed) co_return std::move(borrowed);
  repeatable_ = repeatable_ && used_before_;
  if (repeatable_) again_ = out_;
  client_result<> done = co_await send_out("");
  if (!done &&
      done.error().code == client_errc::broken) { // an answer may be there all the same: see `response`
    co_return client_result<>();
  }
  co_return std::move(done);
}

task<client_result<>> client_exchange::send_out(std::string_view more) {
  std::array<std::string_view, 2> pieces{out_, more};
  net::io_result sent = co_await connection_.write_all(pieces, due_ - now());
  out_.clear();
  if (!sent) co_return failed(sent.error(), "sending to " + to_.origin());
  co_return client_result<>();
}

task<client_result<>> client_exchange::write(std::string_view piece) {
  if (sent_) co_return failed(client_errc::bad_request, "write: the request's body has ended already");
  std::string_view more;
  if (piece.size() < copy_below) {
    write_result written = writer_.body(out_, piece);
    if (!written) co_return failed(client_errc::bad_request, std::string(written.error()));
  } else {
    std::expected<bool, std::string_view> wanted = writer_.announce(out_, piece.size());
    if (!wanted) co_return failed(client_errc::bad_request, std::string(wanted.error()));
    more = piece;
  }
  client_result<> done = co_await send_out(more);
  co_return std::move(done);
}

// --- the response ---

task<client_result<const response_head*>> client_exchange::response() {
  if (answered_) co_return &parser_.head();
  if (!sent_) {
    write_result finished = writer_.finish(out_);
    if (!finished) co_return failed(client_errc::bad_request, std::string(finished.error()));
    sent_ = true;
    co_await send_out(""); // a peer that has answered and closed already is heard all the same
  }
  client_result<> read = co_await await_head();
  if (!read && repeatable_ && !heard_ && read.error().code == client_errc::broken) {
    client_result<> second = co_await repeat();
    read = std::move(second);
  }
  if (!read) co_return std::unexpected(std::move(read.error()));
  answered_ = true;
  co_return &parser_.head();
}

/// Once more, on a connection that nobody has used.
task<client_result<>> client_exchange::repeat() {
  give_back(false);
  lease_ = make_ref();
  connection_ = net::stream();
  repeatable_ = false;
  client_result<> borrowed = co_await borrow(true);
  if (!borrowed) co_return std::move(borrowed);
  out_ = std::move(again_);
  client_result<> sent = co_await send_out("");
  if (!sent) co_return std::move(sent);
  client_result<> read = co_await await_head();
  co_return std::move(read);
}

task<client_result<>> client_exchange::await_head() {
  time_point due = std::min(due_, now() + settings_->options.head_timeout);
  for (unsigned interim = 0; interim <= interim_responses;) {
    http1_event e = parser_.next(rest_);
    if (e.kind == http1_event_kind::error) co_return failed(client_errc::malformed, std::string(e.reason));
    if (e.kind == http1_event_kind::need_more) {
      client_result<> more = co_await read_more(due);
      if (!more) co_return std::move(more);
      if (rest_.empty())
        co_return failed(client_errc::broken, to_.origin() + " closed the connection without an answer");
      continue;
    }
    if (e.kind == http1_event_kind::complete) {
      parser_.reset();
      ++interim;
      continue;
    }
    unsigned code = to_int(parser_.head().status);
    if (e.kind != http1_event_kind::head || (code < 200 && code != 101)) continue;
    parser_.limit_body(settings_->options.body_limit);
    co_return client_result<>();
  }
  co_return failed(client_errc::malformed, "too many interim responses");
}

/// Fills `rest_`; leaves it empty at the stream's end.
task<client_result<>> client_exchange::read_more(time_point due) {
  if (buffer_ == nullptr) buffer_ = std::make_unique_for_overwrite<char[]>(buffer_size);
  std::span<char> into(buffer_.get(), buffer_size);
  net::io_result n = co_await connection_.read_some(into, due - now());
  if (!n) co_return failed(n.error(), "waiting for " + to_.origin());
  heard_ = heard_ || *n > 0;
  rest_ = std::string_view(buffer_.get(), *n);
  co_return client_result<>();
}

task<client_result<std::string_view>> client_exchange::body_piece() {
  if (!answered_) co_return failed(client_errc::bad_request, "body_piece: ask for the response first");
  while (!over_) {
    http1_event e = parser_.next(rest_);
    if (e.kind == http1_event_kind::need_more) {
      client_result<> more = co_await read_more(due_);
      if (!more) co_return std::unexpected(std::move(more.error()));
      if (!rest_.empty()) continue;
      e = parser_.finish();
      if (e.kind == http1_event_kind::error)
        co_return failed(client_errc::broken, to_.origin() + " closed the connection within the body");
    }
    if (e.kind == http1_event_kind::body && !e.body.empty()) co_return e.body;
    if (e.kind == http1_event_kind::error) {
      bool large = e.error_status == status::content_too_large;
      co_return failed(large ? client_errc::too_large : client_errc::malformed, std::string(e.reason));
    }
    over_ = e.kind == http1_event_kind::complete;
  }
  give_back(parser_.head().keep_alive && writer_.keep_alive() && rest_.empty());
  co_return std::string_view();
}

switched client_exchange::take_connection() {
  switched taken;
  taken.received = rest_;
  taken.connection = std::move(connection_);
  give_back(false);
  return taken;
}

} // namespace coppice::http::detail
