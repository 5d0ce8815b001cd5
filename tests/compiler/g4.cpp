// G4: the awaiter itself is an aggregate temporary.
#include "tests/compiler/canary.hpp"

struct awaiter {
  counted value;
#ifdef SAFE
  explicit awaiter(counted v) : value(std::move(v)) {}
#endif
  bool await_ready() const noexcept { return true; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  int await_resume() const { return value.value(); }
};

task<int> scenario() {
#ifdef SAFE
  int got = co_await awaiter(counted(4));
#else
  int got = co_await awaiter{counted(4)};
#endif
  co_return got;
}

int main() { expect(scenario, 4); }
