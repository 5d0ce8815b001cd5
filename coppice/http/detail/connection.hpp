// One connection of the HTTP server, in its process: reads requests, runs handlers, writes responses.
#pragma once

#include "coppice/http/detail/server.hpp"
#include "coppice/http/http1_parser.hpp"
#include "coppice/http/http1_writer.hpp"
#include "coppice/http/request.hpp"
#include "coppice/net/stream.hpp"

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::http::detail {

class connection {
public:
  connection(self me, net::stream socket, std::shared_ptr<const server> s);

  /// Until the peer or the server has had enough.
  task<> serve();

  // What `request` offers to handlers.
  task<std::string_view> body_piece();
  task<> start(response head, std::optional<std::uint64_t> size);
  task<> write(std::string_view piece);
  [[nodiscard]] const net::endpoint& peer();
  [[nodiscard]] std::optional<net::tls_info> tls() const { return socket_.tls(); }
  [[nodiscard]] self process() const noexcept { return me_; }

private:
  enum class got : std::uint8_t { bytes, end, late };

  task<> serve_all();
  task<bool> await_head();
  task<bool> await_bytes(time_point due);
  task<got> read_more(time_point due);
  task<bool> answer();
  task<response> run(const handler* h, request* r);
  task<> reply(response r);
  task<bool> finish_streamed();
  task<bool> upgrade(const route_target* target, request* r);
  task<std::exception_ptr> run_websocket(const websocket_handler* h, request* r, websocket* ws);
  task<> refuse(http::status s, std::string_view why);
  task<> flush();
  task<> flush_with(std::string_view body);
  task<> linger();

  void begin_request();
  [[nodiscard]] std::optional<response> admit(const request_head& head) const;
  void add_common_fields(http::headers& fields) const;
  [[nodiscard]] response failed(const std::exception_ptr& why);
  void report_failure(const std::exception_ptr& why);
  [[nodiscard]] bool may_keep_alive();
  /// Takes what is left of the body as far as it has arrived; true if that is all of it.
  bool skip_buffered_body();
  response_options options_now();
  bool write_head(const response& r, std::optional<std::uint64_t> size);
  [[nodiscard]] duration time_for(std::uint64_t bytes) const;
  [[nodiscard]] time_point body_due() const;
  [[nodiscard]] std::string_view date();

  self me_;
  net::stream socket_;
  std::shared_ptr<const server> server_;
  http1_request_parser parser_;
  http1_response_writer writer_;
  std::unique_ptr<char[]> buffer_;
  std::string_view rest_; ///< of the buffer: not parsed yet
  std::string out_;       ///< not sent yet
  std::string date_;
  time_point date_until_{};
  time_point body_began_{};
  std::optional<net::endpoint> peer_;
  std::optional<exit_reason> ending_; ///< a handler ended the process: after the answer
  bool first_ = true;
  bool body_done_ = false;
  bool continued_ = false; ///< 100 Continue has been sent
  bool started_ = false;   ///< the response's head has been written
  bool must_close_ = false;
  bool draining_ = false;
  bool linger_ = false; ///< the peer may still be sending: do not reset the connection under the answer
};

} // namespace coppice::http::detail
