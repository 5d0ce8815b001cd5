// The external term format beside the real Erlang's: terms of every type, there and back, both ways.
#include <cstddef>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <vector>

#include "coppice/term/external.hpp"
#include "coppice/term/text.hpp"
#include "tests/erlang/terms.hpp"

namespace coppice {
namespace {

void write_frames(const fs::path& file, const std::vector<std::string>& all) {
  std::ofstream out(file, std::ios::binary);
  for (const std::string& bytes : all) {
    for (int shift : {24, 16, 8, 0}) out.put(static_cast<char>(bytes.size() >> shift));
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

std::vector<std::string> read_frames(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string all(std::istreambuf_iterator<char>(in), {});
  std::vector<std::string> frames;
  for (std::size_t at = 0; at + 4 <= all.size();) {
    std::size_t n = 0;
    for (int i = 0; i < 4; ++i)
      n = n << 8 | static_cast<unsigned char>(all[at + static_cast<std::size_t>(i)]);
    frames.push_back(all.substr(at + 4, n));
    at += 4 + n;
  }
  return frames;
}

TEST(erlang_external, thousands_of_terms_go_there_and_come_back) {
  constexpr std::size_t count = 5000;
  node_names nodes(atom("cpp@127.0.0.1"), 7);
  term_maker make(20261123);
  std::vector<term> all;
  std::vector<std::string> bytes;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(make.any(4));
    bytes.push_back(i % 2 == 0 ? term_to_binary(all[i], nodes) : term_to_compressed_binary(all[i], nodes));
  }
  scratch folder;
  write_frames(folder.path / "in", bytes);
  ASSERT_EQ(run_escript("external_terms.escript", {"echo", folder.path / "in", folder.path / "out"}), 0);
  const std::vector<std::string> theirs = read_frames(folder.path / "out");
  ASSERT_EQ(theirs.size(), 3 * count);
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    auto read = binary_to_term(theirs[i], nodes);
    ASSERT_TRUE(read) << read.error().message() << " in " << to_string(all[i / 3]);
    ASSERT_EQ(*read, all[i / 3]) << "the way " << i % 3;
  }
}

TEST(erlang_external, what_only_erlang_can_make_goes_back_as_it_came) {
  scratch folder;
  ASSERT_EQ(run_escript("external_terms.escript", {"make", folder.path / "made"}), 0);
  node_names nodes(atom("cpp@127.0.0.1"), 7);
  std::vector<std::string> back;
  for (const std::string& bytes : read_frames(folder.path / "made")) {
    auto read = binary_to_term(bytes, nodes);
    ASSERT_TRUE(read) << read.error().message() << " in term " << back.size();
    back.push_back(term_to_binary(*read, nodes));
    EXPECT_EQ(back.back().size(), bytes.size()) << to_string(*read, {.limit = 200});
  }
  ASSERT_GE(back.size(), 30U);
  write_frames(folder.path / "back", back);
  EXPECT_EQ(run_escript("external_terms.escript", {"check", folder.path / "back", folder.path / "made"}), 0);
}

} // namespace
} // namespace coppice
