// Load on a server of XMPP, whoever wrote it. Prints one JSON object a workload.
//
//   xmpp_bench_load idle AT CLIENTS              signs in and stays until its input ends
//   xmpp_bench_load signins AT SECONDS CLIENTS   again and again, so many at once
//   xmpp_bench_load messages AT SECONDS PAIRS WINDOW    one to one, WINDOW under way for each pair
//   xmpp_bench_load rate AT SECONDS PAIRS RATE   so many a second in all; how long each takes
//   xmpp_bench_load room AT SECONDS OCCUPANTS WINDOW    one speaks, WINDOW under way
//   xmpp_bench_load room-rate AT SECONDS OCCUPANTS RATE one speaks so often a second
//
// AT: 127.0.0.1:5223, where TLS begins at once; clients come from 127.0.0.2 on, being many. Users are `u0`,
// `u1`... of `localhost`, each with its name as password, and signed in by SCRAM-SHA-1.
#include "bench/xmpp/load.hpp"
#include "coppice/net/asio_poller.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace coppice::bench {

using namespace std::chrono_literals;

std::string user(unsigned n) { return fmt::format("u{}", n); }
std::int64_t now_ns() { return now().time_since_epoch().count(); }

std::optional<std::int64_t> time_under_way(const target& to, const xml::element& stanza) {
  const std::optional<std::string> body =
      stanza.name() == "message" ? stanza.text_of("body") : std::optional<std::string>();
  if (!body || body->empty() || body->find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const std::int64_t sent = std::stoll(*body);
  return sent < to.begun ? std::nullopt : std::optional(now_ns() - sent);
}

void count_failure(const target& to, const std::string& why) {
  if (to.all->failed++ == 0) std::fprintf(stderr, "xmpp_bench_load: %s\n", why.c_str());
}

namespace {

std::int64_t at_part(const std::vector<std::int64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

} // namespace

task<> measure(self me, target to, std::string workload, unsigned clients, unsigned heard_by,
               unsigned seconds) {
  co_await idle_for(1s); // until all are under way
  const std::uint64_t before = to.all->done;
  co_await idle_for(std::chrono::seconds(seconds));
  const std::uint64_t after = to.all->done;
  to.all->over = true;
  std::vector<std::int64_t> took;
  for (unsigned n = 0; n < heard_by; ++n) {
    latencies one = co_await me.receive<latencies>();
    took.insert(took.end(), one.nanoseconds.begin(), one.nanoseconds.end());
  }
  std::ranges::sort(took);
  std::printf(
      "{\"workload\": \"%s\", \"clients\": %u, \"per_second\": %.0f, \"p50_us\": %.0f, \"p99_us\": %.0f, "
      "\"failed\": %llu}\n",
      workload.c_str(), clients, static_cast<double>(after - before) / seconds,
      static_cast<double>(at_part(took, 0.5)) / 1e3, static_cast<double>(at_part(took, 0.99)) / 1e3,
      static_cast<unsigned long long>(to.all->failed));
}

namespace {

struct signed_in {};
struct got_one {};

// --- idle ---

process idle_client(self me, target to, unsigned n) {
  xmpp_client client(to.at, "localhost", to.tls);
  bool well = co_await client.sign_in(user(n), user(n), "idle");
  if (!well) {
    count_failure(to, client.why());
    co_return;
  }
  bool there = co_await client.send("<presence/>");
  if (there) ++to.all->done;
  for (;;) {
    std::optional<xml::element> e = co_await client.next(24h);
    if (!e) break;
  }
  if (!to.all->over) count_failure(to, client.why());
  static_cast<void>(me);
}

task<> run_idle(self, target to, unsigned clients) {
  constexpr unsigned at_once = 100;
  const std::int64_t begun = now_ns();
  for (unsigned n = 0; n < clients; ++n) {
    spawn(&idle_client, to, n);
    while (n + 1 - to.all->done - to.all->failed >= at_once) co_await idle_for(1ms);
  }
  while (to.all->done + to.all->failed < clients) co_await idle_for(10ms);
  const double seconds = static_cast<double>(now_ns() - begun) / 1e9;
  std::printf("{\"workload\": \"idle\", \"clients\": %llu, \"failed\": %llu, \"seconds\": %.2f}\n",
              static_cast<unsigned long long>(to.all->done), static_cast<unsigned long long>(to.all->failed),
              seconds);
  std::fflush(stdout);
}

// --- sign-ins ---

process signing_client(self me, target to, unsigned n) {
  xmpp_client client(to.at, "localhost", to.tls);
  while (!to.all->over) {
    bool well = co_await client.sign_in(user(n), user(n), "in");
    if (!well) {
      count_failure(to, client.why());
      continue;
    }
    ++to.all->done;
    co_await client.close();
  }
  static_cast<void>(me);
}

task<> run_signins(self, target to, unsigned seconds, unsigned clients) {
  for (unsigned n = 0; n < clients; ++n) spawn(&signing_client, to, n);
  co_await idle_for(1s); // until all are under way
  const std::uint64_t before = to.all->done;
  co_await idle_for(std::chrono::seconds(seconds));
  const std::uint64_t after = to.all->done;
  to.all->over = true;
  std::printf("{\"workload\": \"signins\", \"clients\": %u, \"per_second\": %.1f, \"failed\": %llu}\n",
              clients, static_cast<double>(after - before) / seconds,
              static_cast<unsigned long long>(to.all->failed));
}

// --- messages ---

process receiver(self me, target to, unsigned n, pid starter, pid sender) {
  xmpp_client client(to.at, "localhost", to.tls);
  bool well = co_await client.sign_in(user(n), user(n), "r");
  if (well) {
    bool there = co_await client.send("<presence/>");
    well = there;
  }
  if (!well) count_failure(to, client.why());
  send(starter, signed_in());
  latencies mine;
  while (!to.all->over) {
    std::optional<xml::element> e = co_await client.next(20s);
    if (!e) {
      if (!to.all->over) count_failure(to, client.why());
      break;
    }
    const std::optional<std::int64_t> took = time_under_way(to, *e);
    if (!took) continue;
    ++to.all->done;
    mine.nanoseconds.push_back(*took);
    send(sender, got_one());
  }
  send(starter, std::move(mine));
  static_cast<void>(me);
}

std::string message_to(unsigned n, std::uint64_t number) {
  return fmt::format("<message type='chat' to='{}@localhost' id='{:016x}'><body>{}</body></message>", user(n),
                     number, now_ns());
}

process sender(self me, target to, unsigned n, unsigned other, pid starter) {
  xmpp_client client(to.at, "localhost", to.tls);
  bool well = co_await client.sign_in(user(n), user(n), "s");
  if (!well) count_failure(to, client.why());
  send(starter, signed_in());
  begin how = co_await me.receive<begin>();
  std::uint64_t number = std::uint64_t{n} << 40U;
  time_point due = now();
  unsigned open = 0;
  while (well && !to.all->over) {
    if (how.window > 0 && open >= how.window) {
      auto got = co_await me.receive<got_one>(1s);
      if (got) --open;
      continue;
    }
    if (how.every > duration::zero()) {
      const duration wait = due - now();
      if (wait > duration::zero()) co_await idle_for(wait);
      due += how.every;
    }
    bool sent = co_await client.send(message_to(other, ++number));
    if (!sent) {
      if (!to.all->over) count_failure(to, client.why());
      break;
    }
    ++open;
  }
  co_await client.close();
}

task<> run_messages(self me, target to, unsigned seconds, unsigned pairs, begin how) {
  to.begun = now_ns();
  std::vector<pid> senders;
  for (unsigned n = 0; n < pairs; ++n) {
    const pid from = spawn(&sender, to, 2 * n, 2 * n + 1, me.id());
    spawn(&receiver, to, 2 * n + 1, me.id(), from);
    for (int both = 0; both < 2; ++both) co_await me.receive<signed_in>();
    senders.push_back(from);
  }
  for (pid one : senders) send(one, begin(how));
  co_await measure(me, to, "messages", pairs, pairs, seconds);
}

int run(const std::vector<std::string>& arguments) {
  const auto number = [&arguments](std::size_t i) {
    return static_cast<unsigned>(std::stoul(arguments.at(i)));
  };
  const std::string& what = arguments.at(0);
  node_options options;
  options.make_poller = net::make_poller();
  node home(std::move(options));
  auto at = net::endpoint::parse(arguments.at(1));
  if (!at) throw std::runtime_error(at.error());
  auto tls = net::tls_client::make({.verify = false});
  if (!tls) throw std::runtime_error(tls.error());
  const target to{*at, *tls};
  if (what == "idle") {
    home.run(&run_idle, to, number(2));
    std::string line;
    std::getline(std::cin, line);
    to.all->over = true;
  } else if (what == "signins") {
    home.run(&run_signins, to, number(2), number(3));
  } else if (what == "messages") {
    home.run(&run_messages, to, number(2), number(3), begin{.window = number(4)});
  } else if (what == "rate") {
    const duration every = duration(std::chrono::seconds(1)) * number(3) / number(4);
    home.run(&run_messages, to, number(2), number(3), begin{.every = every});
  } else if (what == "room") {
    home.run(&run_room, to, number(2), number(3), begin{.window = number(4)});
  } else if (what == "room-rate") {
    const duration every = duration(std::chrono::seconds(1)) / number(4);
    home.run(&run_room, to, number(2), number(3), begin{.every = every});
  } else {
    throw std::runtime_error("unknown workload " + what);
  }
  return to.all->failed == 0 ? 0 : 1;
}

} // namespace
} // namespace coppice::bench

int main(int argc, char** argv) {
  try {
    return coppice::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "xmpp_bench_load: %s\n", e.what());
    return 2;
  }
}
