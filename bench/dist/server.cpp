// The server's side: processes by name that answer, count, and are watched.
#include "bench/dist/messages.hpp"
#include "bench/runtime/bench.hpp"
#include "bench/runtime/counter.hpp"
#include "coppice/runtime/blocking.hpp"

#include <cstdio>
#include <unistd.h>
#include <utility>
#include <variant>

namespace coppice::bench {
namespace {

using namespace literals;

process echo(self me) {
  register_name("echo"_atom, me);
  for (;;) {
    std::variant<ping, memory, who> asked = co_await me.receive<ping, memory, who>();
    if (const auto* p = std::get_if<ping>(&asked)) send(p->from, pong{});
    if (const auto* m = std::get_if<memory>(&asked)) send(m->from, memory_is{resident_bytes()});
    if (const auto* w = std::get_if<who>(&asked)) send(w->from, it{me.id()});
  }
}

process sink(self me) {
  register_name("sink"_atom, me);
  std::int64_t count = 0;
  for (;;) {
    std::variant<item, finish, term> got = co_await me.receive<item, finish, term>();
    if (const auto* end = std::get_if<finish>(&got)) {
      send(end->from, received{std::exchange(count, 0)});
    } else {
      ++count;
    }
  }
}

void wait_for_end_of_input() {
  char some[256];
  while (read(STDIN_FILENO, some, sizeof some) > 0) continue;
}

} // namespace

task<> serve(self) {
  auto server = co_await start<counter>(local("counter"));
  spawn(&echo);
  spawn(&sink);
  while (!whereis("echo"_atom) || !whereis("sink"_atom)) co_await yield();
  std::printf("ready\n");
  std::fflush(stdout);
  co_await blocking(wait_for_end_of_input);
}

} // namespace coppice::bench
