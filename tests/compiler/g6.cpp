// G6: co_await inside a braced initialiser.
#include "tests/compiler/canary.hpp"

struct both {
  counted first;
  counted second;
};

task<counted> make(int value) { co_return counted(value); }

task<int> scenario() {
#ifdef SAFE
  counted first = co_await make(6);
  counted second = co_await make(7);
  both got{first, second};
#else
  both got{co_await make(6), co_await make(7)};
#endif
  co_return got.first.value() * 10 + got.second.value();
}

int main() { expect(scenario, 67); }
