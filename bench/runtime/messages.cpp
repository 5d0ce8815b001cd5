// Plain messages between plain processes: pairs, rings, many to one, all to all.
#include "bench/runtime/bench.hpp"

namespace coppice::bench {
namespace {

struct go {};
struct done {};

// --- two processes ---

struct ping {};
struct pong {};

process answer(self me, pid to) {
  for (;;) {
    co_await me.receive<ping>();
    send(to, pong{});
  }
}

task<duration> exchange(self me, std::int64_t times) {
  pid other = spawn_link(answer, me.id());
  time_point begin = now();
  for (std::int64_t i = 0; i < times; ++i) {
    send(other, ping{});
    co_await me.receive<pong>();
  }
  co_return now() - begin;
}

// --- a ring ---

struct next_is {
  pid next;
};

process ring_node(self me, pid next, pid main) {
  for (;;) {
    std::int64_t hops = co_await me.receive<std::int64_t>();
    if (hops == 0) {
      send(main, done{});
    } else {
      send(next, hops - 1);
    }
  }
}

process ring_closer(self me, pid main) {
  next_is first = co_await me.receive<next_is>();
  for (;;) {
    std::int64_t hops = co_await me.receive<std::int64_t>();
    if (hops == 0) {
      send(main, done{});
    } else {
      send(first.next, hops - 1);
    }
  }
}

task<duration> run_ring(self me, int size, std::int64_t hops) {
  pid last = spawn_link(ring_closer, me.id());
  pid first = last;
  for (int i = 1; i < size; ++i) first = spawn_link(ring_node, first, me.id());
  send(last, next_is{first});
  time_point begin = now();
  send(first, hops);
  co_await me.receive<done>();
  co_return now() - begin;
}

// --- many to one ---

process collector(self me, std::int64_t expected, pid main) {
  for (; expected > 0; --expected) co_await me.receive<std::int64_t>();
  send(main, done{});
}

process sender(self me, pid to, std::int64_t messages) {
  co_await me.receive<go>();
  for (; messages > 0; --messages) {
    send(to, messages);
    if (messages % steps_before_yield == 0) co_await yield();
  }
}

task<duration> run_fanin(self me, int senders, std::int64_t each) {
  pid receiver = spawn_link(collector, senders * each, me.id());
  std::vector<pid> all;
  all.reserve(static_cast<std::size_t>(senders));
  for (int i = 0; i < senders; ++i) all.push_back(spawn_link(sender, receiver, each));
  time_point begin = now();
  for (pid p : all) send(p, go{});
  co_await me.receive<done>();
  co_return now() - begin;
}

// --- all to all ---

struct go_to {
  std::vector<pid> everyone;
};
struct ping_from {
  pid sender;
};
struct stop {};

process member(self me, pid main) {
  go_to start = co_await me.receive<go_to>();
  for (pid p : start.everyone) {
    if (p != me.id()) send(p, ping_from{me.id()});
  }
  for (std::size_t missing = start.everyone.size() - 1; missing > 0;) {
    std::variant<ping_from, pong> message = co_await me.receive<ping_from, pong>();
    if (const auto* p = std::get_if<ping_from>(&message)) {
      send(p->sender, pong{});
    } else {
      --missing;
    }
  }
  send(main, done{});
  for (;;) {
    std::variant<ping_from, stop> message = co_await me.receive<ping_from, stop>();
    if (std::holds_alternative<stop>(message)) co_return;
    send(std::get<ping_from>(message).sender, pong{});
  }
}

task<duration> run_big(self me, int size) {
  std::vector<pid> everyone;
  everyone.reserve(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) everyone.push_back(spawn_link(member, me.id()));
  time_point begin = now();
  for (pid p : everyone) send(p, go_to{everyone});
  for (int i = 0; i < size; ++i) co_await me.receive<done>();
  duration time = now() - begin;
  for (pid p : everyone) send(p, stop{});
  co_return time;
}

} // namespace

void pingpong(const char* name, unsigned threads) {
  constexpr std::int64_t times = 2'000'000;
  node n(quiet(threads));
  duration time = n.run(exchange, times);
  out(name, microseconds(time) * 1000 / static_cast<double>(times), "ns/roundtrip");
}

void ring(const char* name, unsigned threads) {
  constexpr std::int64_t hops = 5'000'000;
  node n(quiet(threads));
  out_rate(name, hops, n.run(run_ring, 503, hops), "hops/s");
}

void fanin() {
  constexpr int senders = 8;
  constexpr std::int64_t each = 500'000;
  node n(quiet(cores()));
  out_rate("fanin", senders * each, n.run(run_fanin, senders, each), "msgs/s");
}

void big() {
  constexpr int size = 1000;
  node n(quiet(cores()));
  out_rate("big", 2L * size * (size - 1), n.run(run_big, size), "msgs/s");
}

} // namespace coppice::bench
