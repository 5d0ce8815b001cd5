#include "coppice/http/request.hpp"

#include "coppice/http/detail/connection.hpp"

namespace coppice::http {

response::response(http::status s, std::string_view content_type, std::string content)
    : status(s), body(std::move(content)) {
  headers.add("content-type", content_type);
}

response response::text(std::string content, http::status s) {
  return response(s, "text/plain; charset=utf-8", std::move(content));
}
response response::html(std::string content, http::status s) {
  return response(s, "text/html; charset=utf-8", std::move(content));
}
response response::json(std::string content, http::status s) {
  return response(s, "application/json", std::move(content));
}
response response::redirect(std::string_view location, http::status s) {
  response r(s);
  r.headers.add("location", location);
  return r;
}

response response::plain_error(http::status s, std::string_view why) {
  std::string line = std::to_string(to_int(s));
  line.append(" ").append(reason_phrase(s));
  if (!why.empty()) line.append(": ").append(why);
  return text(line.append("\n"), s);
}

response response::streamed() noexcept {
  response r;
  r.streamed_ = true;
  return r;
}

response& response::header(std::string_view name, std::string_view value) {
  headers.add(name, value);
  return *this;
}

error::error(http::status s, std::string why) : status_(s), why_(std::move(why)) {
  text_ = std::to_string(to_int(s)) + " " + std::string(reason_phrase(s)) + ": " + why_;
}

parameters request::query() const {
  auto read = parse_query(head_->query());
  if (!read) throw error(status::bad_request, "query: " + read.error().what);
  return std::move(*read);
}

const net::endpoint& request::peer() const { return connection_.peer(); }
std::optional<net::tls_info> request::tls() const { return connection_.tls(); }
self request::process() const noexcept { return connection_.process(); }

task<std::string> request::body() {
  std::string all;
  for (;;) {
    std::string_view piece = co_await connection_.body_piece();
    if (piece.empty()) break;
    all.append(piece);
  }
  co_return std::move(all);
}

task<std::string_view> request::body_piece() { return connection_.body_piece(); }

task<> request::start(response head, std::optional<std::uint64_t> size) {
  return connection_.start(std::move(head), size);
}

task<> request::write(std::string_view piece) { return connection_.write(piece); }

} // namespace coppice::http
