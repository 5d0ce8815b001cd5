#include "tests/partition/traffic.hpp"

#include "coppice/otp/gen.hpp"
#include "coppice/otp/server_name.hpp"
#include "coppice/runtime/timer.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace coppice::partition {

using namespace literals;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t long_message = 160 << 10; // goes in three fragments

term numbered(std::int64_t number, std::size_t bytes) {
  return term::tuple("n"_atom, number, term::binary(std::string(bytes, static_cast<char>(number & 0xff))));
}

bool are_of(std::int64_t number, std::string_view bytes) {
  return bytes.find_first_not_of(static_cast<char>(number & 0xff)) == std::string_view::npos;
}

server_name hub_of(const atom& node) { return {remote_name{"hub"_atom, node}}; }

/// A sink on that node, as soon as it can be reached.
task<pid> find_sink(atom node) {
  for (;;) {
    std::expected<term, exit_reason> made = co_await try_call_any<term>(hub_of(node), "sink"_atom, infinity);
    if (made) co_return *made->as_pid();
    co_await idle_for(50ms);
  }
}

/// What a sink has seen; asked again until it answers.
task<term> seen_by(self me, pid sink) {
  for (;;) {
    send(sink, term::tuple("how_many"_atom, me.id()));
    const auto it_says = [](const term& t) { return t.is_tagged("seen"_atom, 4); };
    std::optional<term> seen = co_await me.receive_if<term>(it_says, 2s);
    if (seen) co_return *seen;
  }
}

term flowed(std::int64_t sent, const term& seen, std::int64_t wrong) {
  const std::span<const term> parts = seen.elements();
  return term::tuple("flowed"_atom, sent, parts[1], parts[2], *parts[3].as_int64() + wrong);
}

process caller(self me, atom node, pid asker) {
  std::int64_t answered = 0;
  std::int64_t failed = 0;
  std::int64_t wrong = 0;
  term request("hold"_atom);
  for (std::int64_t n = 1;; ++n) {
    std::optional<term> stop = co_await me.receive<term>(0ms);
    if (stop) break;
    std::expected<term, exit_reason> reply = co_await try_call_any<term>(hub_of(node), request, infinity);
    if (!reply) {
      ++failed;
      co_await idle_for(50ms);
    } else {
      ++answered;
      if (*reply != request.elements()[1]) ++wrong;
    }
    request = term::tuple("echo"_atom, n);
  }
  send(asker, term::tuple(answered, failed, wrong));
}

} // namespace

process sink(self me) {
  std::int64_t count = 0;
  std::int64_t last = 0;
  std::int64_t out_of_order = 0;
  std::int64_t wrong = 0;
  for (;;) {
    term message = co_await me.receive<term>();
    const std::span<const term> parts = message.elements();
    if (message.is_tagged("n"_atom, 3)) {
      const std::int64_t number = *parts[1].as_int64();
      ++count;
      if (number <= last) ++out_of_order;
      if (!are_of(number, *parts[2].as_binary())) ++wrong;
      last = number;
    } else if (message.is_tagged("how_many"_atom, 2)) {
      send(*parts[1].as_pid(), term::tuple("seen"_atom, count, out_of_order, wrong));
    } else if (message.is_tagged("end"_atom, 2)) {
      co_return;
    }
  }
}

process sender(self me, atom node, std::int64_t count, std::int64_t bytes, pid asker) {
  const pid to = co_await find_sink(node);
  std::int64_t wrong = 0;
  for (std::int64_t n = 1; n <= count; ++n) {
    send(to, numbered(n, n == count / 2 ? long_message : static_cast<std::size_t>(bytes)));
    if (n % 16 != 0) continue;
    const term request = term::tuple("echo"_atom, n);
    std::expected<term, exit_reason> reply = co_await try_call_any<term>(hub_of(node), request, infinity);
    if (!reply || *reply != term(n)) ++wrong;
  }
  const term seen = co_await seen_by(me, to);
  send(asker, flowed(count, seen, wrong));
}

process streamer(self me, atom node, pid asker) {
  register_name("streamer"_atom, me);
  const pid to = co_await find_sink(node);
  std::int64_t sent = 1;
  send(to, numbered(sent, 10));
  const term first = co_await seen_by(me, to);
  send(asker, term("streams"_atom));
  for (;;) {
    const auto is_stop = [](const term& t) { return t.is_tagged("stop"_atom, 2); };
    std::optional<term> stop = co_await me.receive_if<term>(is_stop, 2ms);
    if (stop) {
      const term seen = co_await seen_by(me, to);
      send(*stop->elements()[1].as_pid(), flowed(sent, seen, 0));
      co_return;
    }
    ++sent;
    send(to, numbered(sent, 10));
  }
}

process callers(self me, atom node, std::int64_t count) {
  register_name("callers"_atom, me);
  std::vector<pid> all;
  for (; count > 0; --count) all.push_back(spawn(&caller, node, me.id()));
  const term stop = co_await me.receive<term>();
  for (const pid p : all) send(p, "stop"_atom);
  std::int64_t sums[3] = {0, 0, 0};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const term said = co_await me.receive<term>();
    for (std::size_t k = 0; k < 3; ++k) sums[k] += *said.elements()[k].as_int64();
  }
  send(*stop.elements()[1].as_pid(), term::tuple(sums[0], sums[1], sums[2]));
}

} // namespace coppice::partition
