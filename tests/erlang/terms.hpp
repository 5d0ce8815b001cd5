// What the tests beside a real `erl` share: random terms, a folder, a script run.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include "coppice/term/term.hpp"
#include "tests/erlang/os_process.hpp"

namespace coppice {

namespace fs = std::filesystem;

/// Terms of every type that text can carry, the awkward ones often.
class term_maker {
public:
  explicit term_maker(std::uint32_t seed) : random_(seed) {}

  term any(int depth) {
    switch (below(depth > 0 ? 10 : 6)) {
    case 0: return integer();
    case 1: return big();
    case 2: return number();
    case 3: return some_atom();
    case 4: return text();
    case 5: return bits();
    case 6: return term::tuple_from(several(depth));
    case 7: return term::list_from(several(depth));
    case 8: return term::list_from(several(depth), any(depth - 1));
    default: return map(depth);
    }
  }

private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  template <std::size_t N>
  const char* one_of(const char* const (&all)[N]) {
    return all[below(N)];
  }

  term integer() {
    auto small = static_cast<std::int64_t>(below(600)) - 300;
    return below(3) == 0 ? term(static_cast<std::int64_t>(random_())) : term(small);
  }
  term big() {
    std::vector<std::uint64_t> limbs(1 + below(4));
    for (std::uint64_t& l : limbs) l = below(4) == 0 ? ~std::uint64_t{0} : random_();
    return term::integer(below(2) == 0, limbs);
  }
  term number() {
    static constexpr double edges[] = {
        0.0,   1.0,     -1.0,   0.1,  1e21,   1e22,    1e-5, 123456789.0,
        1e100, 5e-324,  -2.5,   3.0,  9.0e15, 9.1e15,  1e17, 4503599627370496.5,
        0.001, 1.7e308, -300.0, 42.0, 1e16,   1.0e-10, 99.0, 9007199254740992.0};
    if (below(2) == 0) return edges[below(std::size(edges))];
    return std::ldexp(static_cast<double>(static_cast<std::int64_t>(random_())),
                      static_cast<int>(below(200)) - 100);
  }
  term some_atom() {
    return atom(one_of({"a", "ok", "Upper", "with space", "it's", "back\\slash", "new\nline", "", "end", "é",
                        "été", "a@b_1", "_x", "1a", "日本", "when", "true", "\x01", "ÿ"}));
  }
  term text() {
    const char* t = one_of({"", "hello", "tab\there", "quote\"d", "back\\slash", "é", "日本", "\x7f",
                            "\x1b[0m", "line\nline", "\xff\xfe", "a\0b", "~p", "ends with \\"});
    return below(2) == 0 ? term::binary(t) : valid_charlist(t);
  }
  static term valid_charlist(std::string_view t) {
    return t.find('\xff') == std::string_view::npos ? term::charlist(t) : term::binary(t);
  }
  term bits() {
    std::string all(1 + below(5), '\0');
    for (char& c : all) c = static_cast<char>(below(256));
    return term::bitstring(all, all.size() * 8 - below(8));
  }
  std::vector<term> several(int depth) {
    std::vector<term> all(below(5));
    for (term& t : all) t = any(depth - 1);
    return all;
  }
  term map(int depth) {
    std::vector<std::pair<term, term>> all;
    for (std::uint64_t left = below(5); left > 0; --left) {
      term key = any(depth - 1);
      all.emplace_back(std::move(key), any(depth - 1));
    }
    return term::map_from(std::move(all));
  }

  std::mt19937_64 random_;
};

/// A folder for the time of a test.
struct scratch {
  scratch() {
    std::string name = (fs::temp_directory_path() / "coppice-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~scratch() { fs::remove_all(path); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  fs::path path;
};

/// Runs a script of this folder with these arguments; its exit status.
inline int run_escript(const char* script, std::initializer_list<std::string> given) {
  std::vector<std::string> arguments{fs::path(COPPICE_ERLANG_SCRIPTS) / script};
  arguments.insert(arguments.end(), given);
  return os_process(erlang_program("escript"), std::move(arguments)).wait();
}

} // namespace coppice
