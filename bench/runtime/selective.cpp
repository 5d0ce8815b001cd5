// Receiving what one waits for, and calling, with a hundred thousand other messages in the mailbox.
#include "bench/runtime/bench.hpp"
#include "bench/runtime/counter.hpp"

namespace coppice::bench {
namespace {

constexpr int fill = 100'000;
constexpr int times = 1000;

struct noise {
  int number;
};
struct match {
  int number;
};

task<> fill_mailbox(pid me) {
  for (int i = fill; i > 0; --i) {
    send(me, noise{i});
    if (i % steps_before_yield == 0) co_await yield();
  }
}

task<duration> receive_at_the_tail(self me) {
  co_await fill_mailbox(me);
  time_point begin = now();
  for (int i = times; i > 0; --i) {
    send(me, match{i});
    auto wanted = [i](const match& m) { return m.number == i; };
    co_await me.receive_if<match>(wanted);
  }
  co_return now() - begin;
}

task<duration> call_times(self me, counter_ref server, bool full) {
  if (full) co_await fill_mailbox(me);
  time_point begin = now();
  for (int i = 0; i < times; ++i) {
    co_await call<increment>(server);
  }
  co_return now() - begin;
}

} // namespace

void selective_receive() {
  node n(quiet(cores()));
  out("selrecv_tail", milliseconds(n.run(receive_at_the_tail)), "ms/1000");
  counter_ref server = n.run(start_counter);
  out("selrecv_call_full", milliseconds(n.run(call_times, server, true)), "ms/1000");
  out("selrecv_call_empty", milliseconds(n.run(call_times, server, false)), "ms/1000");
}

} // namespace coppice::bench
