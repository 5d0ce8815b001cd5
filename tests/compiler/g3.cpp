// G3: an aggregate temporary with a non-trivial member in the awaited expression.
#include "tests/compiler/canary.hpp"

struct message {
  counted first;
  counted second;
};

task<int> sum(message m) { co_return m.first.value() + m.second.value(); }

task<int> scenario() {
#ifdef SAFE
  message m{counted(1), counted(2)};
  int got = co_await sum(std::move(m));
#else
  int got = co_await sum(message{counted(1), counted(2)});
#endif
  co_return got;
}

int main() { expect(scenario, 3); }
