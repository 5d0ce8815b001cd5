#include "coppice/sim/program.hpp"

#include "coppice/sim/watchdog.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fmt/format.h>
#include <optional>

namespace coppice::sim {
namespace {

struct wishes {
  std::uint64_t seeds = 1000;
  std::uint64_t first = 1;
  bool one = false;            ///< a single seed, told in full
  std::uint64_t patience = 30; ///< seconds without a step: it hangs
  const scenario* only = nullptr;
};

int usage(std::span<const scenario> all) {
  fmt::print(stderr,
             "usage: coppice_sim [--seeds N] [--from S] [--scenario NAME] [--seed S] [--patience SECONDS]\n"
             "  --seeds N        play each scenario under N seeds (default 1000)\n"
             "  --from S         the first of them (default 1)\n"
             "  --scenario NAME  only this one\n"
             "  --seed S         only this seed\n"
             "  --patience N     a run in which nothing moves for N seconds hangs: its seed is told, and\n"
             "                   the program ends (default 30)\n\nscenarios:\n");
  for (const scenario& s : all) fmt::print(stderr, "  {:18}{}\n", s.name, s.what);
  return 2;
}

std::optional<std::uint64_t> number(const char* text) {
  std::uint64_t value = 0;
  const char* end = text + std::strlen(text);
  auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<wishes> read(std::span<const scenario> all, int argc, char** argv) {
  wishes w;
  for (int i = 1; i < argc; i += 2) {
    std::string_view option = argv[i];
    if (i + 1 == argc) return std::nullopt;
    if (option == "--scenario") {
      w.only = find_scenario(all, argv[i + 1]);
      if (w.only == nullptr) return std::nullopt;
      continue;
    }
    std::optional<std::uint64_t> n = number(argv[i + 1]);
    if (!n) return std::nullopt;
    if (option == "--seeds") {
      w.seeds = *n;
    } else if (option == "--from") {
      w.first = *n;
    } else if (option == "--patience") {
      w.patience = std::max<std::uint64_t>(1, *n);
    } else if (option == "--seed") {
      w.first = *n;
      w.seeds = 1;
      w.one = true;
    } else {
      return std::nullopt;
    }
  }
  return w;
}

/// Whether all went well.
bool play_all(const scenario& s, const wishes& w, watchdog& dog) {
  auto began = std::chrono::steady_clock::now();
  std::uint64_t slices = 0;
  std::uint64_t kills = 0;
  bool good = true;
  for (std::uint64_t n = 0; n < w.seeds && good; ++n) {
    outcome o = play(s, w.first + n, &dog);
    slices += o.slices;
    kills += o.kills;
    good = o.failures.empty();
    for (const std::string& what : o.failures) fmt::print("{}: {}\n", s.name, what);
    if (!good)
      fmt::print("after {} seeds; replay: ./dev sim --scenario {} --seed {}\n", n + 1, s.name, o.seed);
    if (w.one) fmt::print("{}: seed {}, trace {:016x}\n", s.name, o.seed, o.trace);
  }
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  fmt::print("{:18}{:8} seeds {:10} slices {:8} kills {:8.2f} s  {}\n", s.name, w.seeds, slices, kills,
             seconds, good ? "held" : "FAILED");
  std::fflush(stdout);
  return good;
}

} // namespace

int program(std::span<const scenario> all, int argc, char** argv) {
  std::optional<wishes> w = read(all, argc, argv);
  if (!w) return usage(all);
  watchdog dog{std::chrono::seconds(w->patience)};
  bool good = true;
  for (const scenario& s : all) {
    if (w->only == nullptr || w->only == &s) good = play_all(s, *w, dog) && good;
  }
  return good ? 0 : 1;
}

} // namespace coppice::sim
