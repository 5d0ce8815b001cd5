// One request of a client and its response, on a borrowed connection.
#pragma once

#include "coppice/http/client.hpp"
#include "coppice/http/http1_writer.hpp"

namespace coppice::http::detail {

struct client_settings {
  client_options options;
  net::tls_client tls;
};

class client_exchange {
public:
  client_exchange(pid pool, std::shared_ptr<const client_settings> settings, http::url to);
  client_exchange(const client_exchange&) = delete;
  client_exchange& operator=(const client_exchange&) = delete;
  ~client_exchange();

  task<client_result<>> begin(const client_request* request);
  task<client_result<>> write(std::string_view piece);
  task<client_result<const response_head*>> response();
  task<client_result<std::string_view>> body_piece();
  switched take_connection();

private:
  task<client_result<>> borrow(bool fresh);
  task<client_result<>> dial(time_point due);
  task<client_result<>> secure(net::tcp_socket socket, time_point due);
  task<client_result<>> send_out(std::string_view more);
  task<client_result<>> await_head();
  task<client_result<>> repeat();
  task<client_result<>> read_more(time_point due);
  void give_back(bool keep) noexcept;

  pid pool_;
  coppice::node* home_;
  std::shared_ptr<const client_settings> settings_;
  http::url to_;
  reference lease_;
  net::stream connection_;
  http1_request_writer writer_;
  http1_response_parser parser_;
  std::unique_ptr<char[]> buffer_;
  std::string_view rest_; ///< of the buffer
  std::string out_;       ///< not sent yet
  std::string again_;     ///< the whole request, if it may be sent once more
  time_point due_{};
  bool borrowed_ = false;
  bool used_before_ = false; ///< the connection
  bool repeatable_ = false;
  bool heard_ = false; ///< a byte of the response
  bool sent_ = false;  ///< the request, to its end
  bool answered_ = false;
  bool over_ = false;
};

} // namespace coppice::http::detail
