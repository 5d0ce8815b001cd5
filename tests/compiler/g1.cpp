// G1: co_await in a condition, in a coroutine whose body declares no local name.
#include "tests/compiler/canary.hpp"

task<bool> yes() { co_return true; }

task<int> scenario() {
#ifdef SAFE
  bool answer = co_await yes();
  if (answer) co_return 1;
#else
  if (co_await yes()) co_return 1;
#endif
  co_return 3;
}

int main() { expect(scenario, 1); }
