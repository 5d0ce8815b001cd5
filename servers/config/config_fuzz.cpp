// Any text as a configuration file: it is taken or refused, and what is taken comes back from what is
// written.
#include "servers/config/keys.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice::config;
  struct all {
    std::string text;
    bool flag = false;
    std::size_t number = 1;
    std::size_t size = 1;
    std::chrono::nanoseconds time{0};
    coppice::net::endpoint at;
    std::vector<std::string> list;
    keys known() {
      keys k;
      k.group("g", "G").text("text", text, "T").yes_no("flag", flag, "F").texts("list", list, "L");
      k.group("g.h", "H").number("number", number, 0, ~std::uint64_t{0}, "N");
      k.size("size", size, 0, ~std::uint64_t{0}, "S").address("at", at, "A");
      k.time("time", time, std::chrono::nanoseconds(0), std::chrono::nanoseconds::max(), "T");
      return k;
    }
  };
  const auto file = parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!file) return 0;
  all first;
  (void)apply(first.known(), *file);
  const auto again = parse(example(first.known(), "# Example\n"));
  if (!again) std::abort();
  all second;
  if (!apply(second.known(), *again).empty()) std::abort();
  if (!differences(first.known(), second.known()).empty()) std::abort();
  return 0;
}
