#include "cli/passing_name.hpp"

#include <gtest/gtest.h>

namespace coppice::cli {
namespace {

TEST(passing_name, is_one_that_nobody_else_has_meanwhile) {
  const passing_name one;
  const passing_name other;
  EXPECT_NE(one.text(), other.text());
  EXPECT_EQ(one.text().rfind("cli-", 0), 0U);
  EXPECT_NE(one.text().find("@127.0.0.1"), std::string::npos);
}

} // namespace
} // namespace coppice::cli
