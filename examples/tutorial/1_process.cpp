// Tutorial, step 1: a process, and messages to it.
#include <coppice/coppice.hpp>

#include <string>

using namespace coppice;

struct said {
  std::string user, text;
};
struct leave {};

process reader(self me) {
  for (;;) {
    auto next = co_await me.receive<said, leave>();
    if (std::holds_alternative<leave>(next)) break;
    const said& s = std::get<said>(next);
    fmt::print("{}: {}\n", s.user, s.text);
  }
}

task<int> conversation(self me) {
  monitored bob = spawn_monitor(reader);
  send(bob.process, said{"alice", "hello, bob"});
  send(bob.process, said{"alice", "are you there?"});
  send(bob.process, leave{});

  down end = co_await me.receive<down>();
  fmt::print("the reader ended: {}\n", end.reason.to_string());
  co_return end.reason.is_normal() ? 0 : 1;
}

int main() {
  node n;
  return n.run(conversation);
}
