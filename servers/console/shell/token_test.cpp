#include "servers/console/shell/token.hpp"

#include <gtest/gtest.h>

#include <set>

namespace coppice::console {
namespace {

TEST(token, is_43_characters_of_base64url_and_never_the_same) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    std::string t = make_token();
    EXPECT_EQ(t.size(), 43U);
    EXPECT_EQ(t.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
              std::string::npos);
    EXPECT_TRUE(seen.insert(t).second);
  }
}

} // namespace
} // namespace coppice::console
