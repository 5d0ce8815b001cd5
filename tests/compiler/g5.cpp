// G5: a conditional expression with a co_await in it, of a class type.
#include "tests/compiler/canary.hpp"

task<counted> make(int value) { co_return counted(value); }

task<int> choose(bool first) {
#ifdef SAFE
  if (first) {
    counted made = co_await make(5);
    co_return made.value();
  }
  counted other(6);
  co_return other.value();
#else
  counted got = first ? co_await make(5) : counted(6);
  co_return got.value();
#endif
}

task<int> scenario() {
  int first = co_await choose(true);
  int second = co_await choose(false);
  co_return first * 10 + second;
}

int main() { expect(scenario, 56); }
