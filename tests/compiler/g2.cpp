// G2: a capturing lambda written inside the awaited expression.
#include "tests/compiler/canary.hpp"
#include <functional>

task<int> call(std::function<int()> f) { co_return f(); }

task<int> scenario() {
  counted two(2);
#ifdef SAFE
  auto f = [two] { return two.value(); };
  int got = co_await call(std::move(f));
#else
  int got = co_await call([two] { return two.value(); });
#endif
  co_return got;
}

int main() { expect(scenario, 2); }
