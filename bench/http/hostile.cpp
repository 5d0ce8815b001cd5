#include "bench/http/hostile.hpp"

#include <array>
#include <cstdio>
#include <functional>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace bench {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

/// A number of peers of one kind: each says its opening once and then goes on with `more`, without ever
/// waiting for the server; one that was thrown out comes again.
struct kind {
  const char* name;
  int peers;
  std::string opening;
  std::string more;
  std::chrono::milliseconds pause; ///< between two pieces of each peer
  bool reads = true;               ///< takes the answer, so that it sees when it is thrown out
};

void torment(const kind& k, const address& http, steady::time_point end, long& connections, long& bytes) {
  struct peer {
    connection c;
    std::string_view left = {};
  };
  std::vector<peer> all(static_cast<std::size_t>(k.peers));
  std::array<char, 4096> answer{};
  while (steady::now() < end) {
    for (peer& p : all) {
      bool gone = !p.c.ok();
      if (!gone && k.reads) {
        ssize_t n = ::recv(p.c.fd(), answer.data(), answer.size(), MSG_DONTWAIT);
        gone = n == 0;
      }
      if (gone) {
        p.c = connection();
        p.c = connection(http);
        p.left = k.opening;
        ++connections;
      }
      if (p.left.empty()) p.left = k.more;
      long n = p.left.empty() ? 0 : p.c.push(p.left);
      if (n < 0) p.c = connection();
      if (n > 0) p.left.remove_prefix(static_cast<std::size_t>(n));
      bytes += n > 0 ? n : 0;
      if (steady::now() >= end) return;
    }
    std::this_thread::sleep_for(k.pause);
  }
}

std::string noise(std::size_t size) {
  std::minstd_rand random(1);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

/// A text frame with a mask of zeros.
std::string frame(std::size_t size) {
  std::string bytes("\x81\xff", 2);
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(size >> shift));
  return bytes.append(4, '\0').append(size, 'x');
}

std::vector<kind> kinds() {
  const std::string post = "POST /upload HTTP/1.1\r\nHost: here\r\n";
  return {
      {"slow heads", 1000, "GET /hello HTTP/1.1\r\nHost: here\r\n", "a", 500ms},
      {"endless heads", 50, "GET /hello HTTP/1.1\r\nHost: here\r\n", "x-more: and more, and more\r\n", 1ms},
      {"bodies of 100 MB", 8, post + "Content-Length: 100000000\r\n\r\n", std::string(65536, 'b'), 5ms},
      {"endless chunks", 8, post + "Transfer-Encoding: chunked\r\n\r\n",
       "10000\r\n" + std::string(65536, 'c') + "\r\n", 5ms},
      {"garbage", 50, noise(2048), noise(64), 20ms},
      {"never reading", 200, "GET /files/big HTTP/1.1\r\nHost: here\r\n\r\n", "", 100ms, false},
      {"never reading, pipelined", 50, "", "GET /files/small HTTP/1.1\r\nHost: here\r\n\r\n", 1ms, false},
      {"never reading WebSockets", 50,
       "GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
       frame(1 << 20), 20ms, false},
  };
}

} // namespace

int hostile(std::chrono::seconds time, const address& http, std::string_view only) {
  std::vector<kind> all = kinds();
  if (!only.empty()) std::erase_if(all, [&](const kind& k) { return only != k.name; });
  std::vector<long> connections(all.size());
  std::vector<long> bytes(all.size());
  std::vector<std::thread> threads;
  steady::time_point end = steady::now() + time;
  threads.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    threads.emplace_back([&, i] { torment(all[i], http, end, connections[i], bytes[i]); });
  }
  for (std::thread& t : threads) t.join();
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::printf("%s: %d peers, %ld connections, %ld bytes\n", all[i].name, all[i].peers, connections[i],
                bytes[i]);
  }
  return 0;
}

std::string client_hello(SSL_CTX* context) {
  SSL* ssl = SSL_new(context);
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
  SSL_set_connect_state(ssl);
  SSL_do_handshake(ssl);
  char* data = nullptr;
  long size = BIO_get_mem_data(out, &data);
  std::string bytes(data, static_cast<std::size_t>(size));
  SSL_free(ssl);
  return bytes;
}

void spoil_handshake(const address& https, std::string_view bytes) {
  connection c(https);
  char some[512];
  c.send(bytes);
  c.receive(some, sizeof some);
}

void ask_to_renegotiate(SSL* tls) {
  for (int i = 0; i < 10; ++i) {
    if (SSL_renegotiate(tls) != 1 || SSL_do_handshake(tls) != 1) return;
  }
}

} // namespace bench
