// G7: an initializer_list in the awaited expression.
#include "tests/compiler/canary.hpp"
#include <string>
#include <vector>

task<int> count(std::vector<std::string> words) { co_return static_cast<int>(words.size()); }

task<int> scenario() {
#ifdef SAFE
  std::vector<std::string> words{"a", "b"};
  int got = co_await count(std::move(words));
#else
  int got = co_await count({"a", "b"});
#endif
  co_return got;
}

int main() { expect(scenario, 2); }
