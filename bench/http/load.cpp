// Load for HTTP servers, for `./dev bench http`: each run does one thing and prints what came of it.
//
//   http_bench_load idle KIND COUNT HTTP HTTPS     opens http, ws or tls connections; prints how many; holds
//   them http_bench_load honest SECONDS HTTP            4 clients, a request each 2 ms: latencies
//   http_bench_load hostile SECONDS HTTP [KIND]    slow, endless, oversized, garbage and never-reading peers
//   http_bench_load requests SECONDS ADDRESS       16 clients in a row each; "tls" before the address for
//   https http_bench_load handshakes SECONDS VERSION WHAT HTTPS   1.2 or 1.3; full, resumed, abort, garbage
//   or renegotiate http_bench_load bulk SECONDS HTTPS             /files/big, over and over
#include "bench/http/hostile.hpp"
#include "bench/http/socket.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace bench;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

constexpr std::string_view get_hello = "GET /hello HTTP/1.1\r\nHost: here\r\n\r\n";

/// The same on several threads.
void on_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> all;
  all.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) all.emplace_back(work, i);
  for (std::thread& t : all) t.join();
}

int hold_idle(std::string_view kind, int count, const address& http, const address& https) {
  auto tls = client_context(TLS1_3_VERSION);
  std::vector<connection> held;
  held.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    connection c(kind == "tls" ? https : http, kind == "tls" ? tls.get() : nullptr);
    bool ready = c.ok() && (kind == "ws" ? c.upgrade() : c.exchange(get_hello) > 0);
    if (ready) held.push_back(std::move(c));
  }
  std::printf("%zu\n", held.size());
  std::fflush(stdout);
  char some[16];
  while (::read(STDIN_FILENO, some, sizeof some) > 0) continue;
  return held.size() == static_cast<std::size_t>(count) ? 0 : 1;
}

double at_share(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return -1;
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

int honest(std::chrono::seconds time, const address& http) {
  std::vector<std::vector<double>> took(4);
  std::atomic<int> failed{0};
  steady::time_point end = steady::now() + time;
  on_threads(4, [&](int which) {
    connection c(http);
    std::vector<double>& mine = took[static_cast<std::size_t>(which)];
    for (steady::time_point next = steady::now(); next < end; next += 2ms) {
      std::this_thread::sleep_until(next);
      steady::time_point began = steady::now();
      if (c.exchange(get_hello) > 0) {
        mine.push_back(std::chrono::duration<double, std::milli>(steady::now() - began).count());
      } else {
        ++failed;
        c = connection(http);
      }
    }
  });
  std::vector<double> all;
  for (const auto& mine : took) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  std::printf("%zu %d %.3f %.3f %.3f\n", all.size(), failed.load(), at_share(all, 0.5), at_share(all, 0.99),
              at_share(all, 1));
  return 0;
}

int requests(std::chrono::seconds time, const address& to, bool secure) {
  auto tls = client_context(TLS1_3_VERSION);
  std::atomic<long> done{0};
  steady::time_point end = steady::now() + time;
  on_threads(16, [&](int) {
    connection c(to, secure ? tls.get() : nullptr);
    while (steady::now() < end && c.exchange(get_hello) > 0) ++done;
  });
  std::printf("%ld\n", done.load());
  return 0;
}

int bulk(std::chrono::seconds time, const address& https) {
  auto tls = client_context(TLS1_3_VERSION);
  std::atomic<long> bytes{0};
  steady::time_point began = steady::now();
  on_threads(2, [&](int) {
    connection c(https, tls.get());
    while (steady::now() < began + time) {
      long n = c.exchange("GET /files/big HTTP/1.1\r\nHost: here\r\n\r\n");
      if (n <= 0) break;
      bytes += n;
    }
  });
  double seconds = std::chrono::duration<double>(steady::now() - began).count();
  std::printf("%ld %.3f\n", bytes.load(), seconds);
  return 0;
}

/// A handshake of that kind after the other on four threads.
int handshakes(std::chrono::seconds time, int version, std::string_view what, const address& https) {
  auto tls = client_context(version);
  std::atomic<long> done{0};
  std::atomic<long> resumed{0};
  const std::string hello = client_hello(tls.get());
  steady::time_point end = steady::now() + time;
  on_threads(4, [&](int) {
    std::shared_ptr<SSL_SESSION> session;
    while (steady::now() < end) {
      if (what == "abort" || what == "garbage") {
        spoil_handshake(https, what == "abort" ? std::string_view(hello) : std::string_view(get_hello));
      } else {
        connection c(https, tls.get(), session.get());
        if (!c.ok() || c.exchange(get_hello) <= 0) return;
        if (what == "renegotiate") ask_to_renegotiate(c.tls());
        if (SSL_session_reused(c.tls()) == 1) ++resumed;
        if (what == "resumed" && !session) session.reset(SSL_get1_session(c.tls()), &SSL_SESSION_free);
        SSL_shutdown(c.tls());
      }
      ++done;
    }
  });
  std::printf("%ld %ld\n", done.load(), resumed.load());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> a(argv + 1, argv + argc);
  const std::string what = a.empty() ? "" : a[0];
  auto seconds = [&] { return std::chrono::seconds(std::atoi(a[1].c_str())); };
  if (what == "idle" && a.size() == 5) {
    return hold_idle(a[1], std::atoi(a[2].c_str()), address::parse(a[3]), address::parse(a[4]));
  }
  if (what == "honest" && a.size() == 3) return honest(seconds(), address::parse(a[2]));
  if (what == "hostile" && (a.size() == 3 || a.size() == 4)) {
    return hostile(seconds(), address::parse(a[2]), a.size() == 4 ? a[3] : "");
  }
  if (what == "requests" && a.size() == 3) return requests(seconds(), address::parse(a[2]), false);
  if (what == "requests" && a.size() == 4) return requests(seconds(), address::parse(a[3]), true);
  if (what == "bulk" && a.size() == 3) return bulk(seconds(), address::parse(a[2]));
  if (what == "handshakes" && a.size() == 5) {
    return handshakes(seconds(), a[2] == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION, a[3], address::parse(a[4]));
  }
  std::fprintf(stderr, "http_bench_load: see bench/http/load.cpp for what it takes\n");
  return 2;
}
