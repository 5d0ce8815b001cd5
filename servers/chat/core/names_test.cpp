#include "servers/chat/core/names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::chat {
namespace {

std::string many(std::size_t n, std::string_view what) {
  std::string all;
  for (std::size_t i = 0; i < n; ++i) all += what;
  return all;
}

TEST(names, users) {
  EXPECT_TRUE(is_user_name("ann"));
  EXPECT_TRUE(is_user_name("A.b_c-9"));
  EXPECT_TRUE(is_user_name(many(32, "x")));
  EXPECT_FALSE(is_user_name(""));
  EXPECT_FALSE(is_user_name(many(33, "x")));
  EXPECT_FALSE(is_user_name("a b"));
  EXPECT_FALSE(is_user_name("#ann"));
  EXPECT_FALSE(is_user_name("ann\n"));
  EXPECT_FALSE(is_user_name("\xC3\xA4nn"));
}

TEST(names, rooms) {
  EXPECT_TRUE(is_room_name("#lobby"));
  EXPECT_TRUE(is_room_name("#" + many(32, "x")));
  EXPECT_FALSE(is_room_name("#"));
  EXPECT_FALSE(is_room_name("lobby"));
  EXPECT_FALSE(is_room_name("##lobby"));
  EXPECT_FALSE(is_room_name("#" + many(33, "x")));
}

TEST(names, ids) {
  EXPECT_TRUE(is_message_id("Zm9v_-09"));
  EXPECT_TRUE(is_message_id(many(40, "x")));
  EXPECT_FALSE(is_message_id("short"));
  EXPECT_FALSE(is_message_id(many(41, "x")));
  EXPECT_FALSE(is_message_id("has space"));
  EXPECT_FALSE(is_message_id("has.a.dot"));
}

TEST(names, texts) {
  EXPECT_TRUE(is_message_text("x"));
  EXPECT_TRUE(is_message_text(many(4000, "x")));
  EXPECT_TRUE(is_message_text(many(4000, "\xF0\x9F\x8C\xB2"))); // code points count, not bytes
  EXPECT_TRUE(is_message_text("\xED\x9F\xBF\xEE\x80\x80"));
  EXPECT_FALSE(is_message_text(""));
  EXPECT_FALSE(is_message_text(many(4001, "x")));
  EXPECT_FALSE(is_message_text(many(4001, "\xC3\xA4")));
  EXPECT_FALSE(is_message_text(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_message_text("\xC0\xAF"));         // overlong
  EXPECT_FALSE(is_message_text("\xED\xA0\x80"));     // a surrogate
  EXPECT_FALSE(is_message_text("\xF4\x90\x80\x80")); // beyond U+10FFFF
  EXPECT_FALSE(is_message_text("a\xE2\x82"));        // cut
}

} // namespace
} // namespace coppice::chat
