// Text, order and equality of terms as the real Erlang has them: thousands of terms go there as text and come
// back.
#include <algorithm>
#include <cstddef>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "coppice/term/term.hpp"
#include "coppice/term/text.hpp"
#include "tests/erlang/terms.hpp"

namespace coppice {
namespace {

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
  ASSERT_EQ(run_escript("read_terms.escript", {folder.path / "in", folder.path / "out"}), 0);
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
