// coppice/net/README.md, on libraries built on Asio
#include "coppice/net/use_process.hpp" // the one public header that brings Asio

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

using namespace coppice;
using namespace std::chrono_literals;
namespace beast = boost::beast;
using boost::asio::ip::tcp;

task<std::string> fetch(tcp::endpoint from, beast::http::request<beast::http::empty_body> request) {
  tcp::socket socket(net::process_executor()); // on the core that the process is on
  beast::flat_buffer buffer;
  beast::http::response<beast::http::string_body> answer;
  co_await socket.async_connect(from, net::use_process); // errors are thrown ...
  co_await beast::http::async_write(socket, request, net::use_process);
  auto n = co_await beast::http::async_read(socket, buffer, answer, net::use_process_expected.within(5s));
  if (!n) co_return n.error().message(); // ... or values
  co_return answer.body();
}
