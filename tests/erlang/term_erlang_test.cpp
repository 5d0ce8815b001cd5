// Text, order and equality of terms as the real Erlang has them: thousands of terms go there as text and come
// back.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "coppice/term/term.hpp"
#include "coppice/term/text.hpp"

namespace coppice {
namespace {

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

int run_escript(const fs::path& script, const fs::path& in, const fs::path& out) {
  std::string program = fs::path(COPPICE_ERL).parent_path() / "escript";
  std::string arguments[] = {program, script, in, out};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), arguments[3].data(),
                  nullptr};
  pid_t child = 0;
  if (posix_spawn(&child, program.c_str(), nullptr, nullptr, argv, environ) != 0) return -1;
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in(file);
  std::vector<std::string> all;
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

/// What the script writes after the terms: each one's number, and how it stands to the one before.
std::vector<std::string> standing(const std::vector<term>& all) {
  std::vector<std::size_t> order(all.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    std::weak_ordering o = compare(all[a], all[b]);
    return o == 0 ? a < b : o < 0;
  });
  std::vector<std::string> told;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const char* how = "<";
    if (i > 0 && compare(all[order[i - 1]], all[order[i]]) == 0) {
      how = all[order[i - 1]] == all[order[i]] ? "=:=" : "==";
    }
    told.push_back(std::to_string(order[i]) + " " + how);
  }
  return told;
}

TEST(erlang, reads_prints_and_orders_terms_as_we_do) {
  constexpr std::size_t count = 5000;
  term_maker make(20260101);
  std::vector<term> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(make.any(3));
  scratch folder;
  {
    std::ofstream out(folder.path / "in");
    out << "%% coding: utf-8\n";
    for (const term& t : all) out << to_string(t) << ".\n";
  }
  ASSERT_EQ(run_escript(fs::path(COPPICE_ERLANG_SCRIPTS) / "read_terms.escript", folder.path / "in",
                        folder.path / "out"),
            0);
  std::vector<std::string> theirs = lines_of(folder.path / "out");
  ASSERT_EQ(theirs.size(), 3 * count);
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(to_string(all[i]), theirs[i]);
    ASSERT_EQ(to_string(all[i], {.unicode = true}), theirs[count + i]);
    ASSERT_EQ(parse_term(theirs[i]).value(), all[i]) << theirs[i];
    ASSERT_EQ(parse_term(theirs[count + i]).value(), all[i]) << theirs[count + i];
  }
  std::vector<std::string> order = standing(all);
  for (std::size_t i = 0; i < count; ++i)
    ASSERT_EQ(order[i], theirs[2 * count + i]) << "the " << i << "th in order";
}

} // namespace
} // namespace coppice
