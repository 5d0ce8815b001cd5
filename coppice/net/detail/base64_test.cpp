#include "coppice/net/detail/base64.hpp"

#include <gtest/gtest.h>

namespace coppice::net::detail {
namespace {

TEST(base64, is_what_rfc_4648_shows_and_nothing_else) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("foob"), "Zm9vYg==");
  EXPECT_EQ(to_base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(from_base64("Zm9vYg=="), "foob");
  EXPECT_EQ(from_base64(""), "");
  for (std::string_view text : {"Zm9vYg=", "Zm9vYg", "Zm9vYh==", "Zm9v Yg==", " m9v", "Zm9v\n",
                                "====", "Z===", "Zm-v", "Zm=v", "=m9v"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

} // namespace
} // namespace coppice::net::detail
