#include "coppice/dist/handshake.hpp"

#include <gtest/gtest.h>
#include <utility>

namespace coppice::dist {
namespace {

using namespace std::string_literals;
using reason = handshake_error::reason;

handshake_side side(std::string name, std::uint32_t challenge, std::string cookie = "secret") {
  return {.self = {.name = std::move(name), .creation = 7, .can = offered},
          .cookie = std::move(cookie),
          .challenge = challenge};
}

/// What came of an exchange of both sides.
struct outcome {
  std::optional<handshake_error> a, b;
};

/// Carries messages to and fro until nothing is left to carry or one side fails.
outcome play(handshake_out& a, handshake_in& b, admission how) {
  std::vector<std::string> to_b{a.start()};
  std::vector<std::string> to_a;
  outcome end;
  while (!end.a && !end.b && (!to_a.empty() || !to_b.empty())) {
    for (const std::string& m : std::exchange(to_b, {})) {
      handshake_step s = b.step(m);
      if (b.asks()) s = b.admit(how);
      to_a.insert(to_a.end(), s.send.begin(), s.send.end());
      if (s.failed) end.b = s.failed;
    }
    for (const std::string& m : std::exchange(to_a, {})) {
      handshake_step s = a.step(m);
      to_b.insert(to_b.end(), s.send.begin(), s.send.end());
      if (s.failed) end.a = s.failed;
    }
  }
  return end;
}

TEST(handshake, both_sides_meet) {
  for (admission how : {admission::ok, admission::ok_simultaneous, admission::alive}) {
    handshake_out a(side("a@h", 1), "b@h", false);
    handshake_in b(side("b@h", 2));
    const outcome end = play(a, b, how);
    EXPECT_FALSE(end.a || end.b);
    EXPECT_TRUE(a.done() && b.done());
    EXPECT_EQ(a.peer(), (node_identity{"b@h", 7, offered}));
    EXPECT_EQ(b.peer(), (node_identity{"a@h", 7, offered}));
    EXPECT_EQ(a.common(), b.common());
  }
}

TEST(handshake, messages_are_the_bytes_of_the_protocol) {
  handshake_out a(side("a@h", 0x01020304), "b@h", false);
  EXPECT_EQ(a.start(), "N\0\0\0\x2d\x07\xdf\x5f\xbc\0\0\0\7\0\3a@h"s);
  EXPECT_TRUE(a.step("sok").send.empty());
  const handshake_step replied =
      a.step("N\0\0\0\x2d\x07\xdf\x5f\xbc\xff\xff\xff\xfe\0\0\0\x09\0\3b@h and more"s);
  ASSERT_EQ(replied.send.size(), 1U);
  // MD5 of "secret4294967294"
  EXPECT_EQ(replied.send[0],
            "r\1\2\3\4"s + "\x9c\x87\xdb\x90\xf4\xfa\x40\xdf\x94\xb6\x5a\xbd\xc0\x36\xa4\x28"s);
  EXPECT_EQ(a.peer().creation, 9U);
}

TEST(handshake, another_cookie_is_found_out_by_the_side_that_accepts) {
  handshake_out a(side("a@h", 1, "guess"), "b@h", false);
  handshake_in b(side("b@h", 2));
  const outcome end = play(a, b, admission::ok);
  EXPECT_EQ(end.b->why, reason::wrong_cookie);
  EXPECT_EQ(end.b->message, "a@h has another cookie");
  EXPECT_FALSE(a.done() || b.done());
}

TEST(handshake, one_that_does_not_prove_the_cookie_is_no_peer) {
  handshake_out a(side("a@h", 1), "b@h", false);
  (void)a.step("sok");
  (void)a.step("N\0\0\0\x2d\x07\xdf\x5f\xbc\0\0\0\1\0\0\0\x09\0\3b@h"s);
  EXPECT_EQ(a.step("a" + std::string(16, '\0')).failed->why, reason::wrong_cookie);
  EXPECT_FALSE(a.done());
}

TEST(handshake, of_two_attempts_that_of_the_greater_name_goes_on) {
  EXPECT_EQ(when_simultaneous("a@h", "b@h"), admission::ok_simultaneous);
  EXPECT_EQ(when_simultaneous("b@h", "a@h"), admission::nok);
  handshake_out a(side("a@h", 1), "b@h", false);
  handshake_in b(side("b@h", 2));
  const outcome end = play(a, b, admission::nok);
  EXPECT_EQ(end.a->why, reason::yielded);
  EXPECT_EQ(end.b->why, reason::yielded);
}

TEST(handshake, a_connection_that_is_alive_is_kept) {
  handshake_out a(side("a@h", 1), "b@h", true);
  handshake_in b(side("b@h", 2));
  const outcome end = play(a, b, admission::alive);
  EXPECT_EQ(end.a->why, reason::duplicate);
  EXPECT_FALSE(b.done());
  EXPECT_EQ(b.step("sfalse").failed->why, reason::duplicate);
}

TEST(handshake, who_is_refused_is_told) {
  handshake_out a(side("a@h", 1), "b@h", false);
  handshake_in b(side("b@h", 2));
  const outcome end = play(a, b, admission::not_allowed);
  EXPECT_EQ(end.a->why, reason::not_allowed);
  EXPECT_EQ(end.a->message, "b@h does not let us in");
}

TEST(handshake, a_node_that_lacks_what_all_must_have_is_refused) {
  handshake_side old = side("a@h", 1);
  old.self.can = offered.without(
      capabilities::of(capability::mandatory_25_digest, capability::map_tag, capability::new_floats));
  handshake_out a(old, "b@h", false);
  handshake_in b(side("b@h", 2));
  const outcome end = play(a, b, admission::ok);
  EXPECT_EQ(end.b->why, reason::incompatible);
  EXPECT_EQ(end.b->message, "a@h lacks the capabilities 0x20800");
  EXPECT_EQ(end.a->why, reason::not_allowed);

  handshake_out to_old(side("b@h", 1), "a@h", false);
  (void)to_old.step("sok");
  EXPECT_EQ(to_old.step("N\0\0\0\0\0\0\0\4\0\0\0\1\0\0\0\x09\0\3a@h"s).failed->why, reason::incompatible);
}

TEST(handshake, the_digest_bit_stands_for_all_that_is_mandatory) {
  handshake_in b(side("b@h", 2));
  (void)b.step("N\0\0\0\0\4\0\0\0\0\0\0\1\0\3a@h"s);
  EXPECT_TRUE(b.asks());
  EXPECT_FALSE(b.admit(admission::ok).failed);
  EXPECT_TRUE(b.common().has_all(mandatory_25));
}

TEST(handshake, the_node_that_answers_must_be_the_one_that_was_dialled) {
  handshake_out a(side("a@h", 1), "b@h", false);
  handshake_in b(side("c@h", 2));
  EXPECT_EQ(play(a, b, admission::ok).a->why, reason::wrong_name);
}

TEST(handshake, version_5_tells_the_rest_later) {
  handshake_in b(side("b@h", 2));
  (void)b.step("n\0\5\x07\xdf\x5f\xbc"
               "a@h"s);
  ASSERT_TRUE(b.asks());
  EXPECT_EQ(b.admit(admission::ok).send.size(), 2U);
  EXPECT_TRUE(b.step("c\0\0\0\x0d\0\0\0\x63"s).send.empty());
  EXPECT_EQ(b.peer().creation, 99U);
  EXPECT_TRUE(b.peer().can.has(capability::v4_nc));
  EXPECT_TRUE(b.step("r\0\0\0\1 wrong").failed);
}

TEST(handshake, who_asks_for_a_name_gets_one) {
  handshake_in b(side("b@h", 2));
  (void)b.step("N\0\0\0\2\4\0\0\0\0\0\0\0\0\1h"s);
  ASSERT_TRUE(b.asks());
  EXPECT_TRUE(b.wants_name());
  const handshake_step told = b.admit(admission::ok, node_identity{"3X@h", 5, {}});
  EXPECT_EQ(told.send[0], "snamed:\0\4"
                          "3X@h\0\0\0\5"s);
  EXPECT_EQ(b.peer().name, "3X@h");

  handshake_in nameless(side("b@h", 2));
  (void)nameless.step("N\0\0\0\2\4\0\0\0\0\0\0\0\0\1h"s);
  EXPECT_EQ(nameless.admit(admission::ok).failed->why, reason::not_allowed);
}

TEST(handshake, names_are_checked) {
  for (const char* right : {"a@h", "cpp@127.0.0.1", "a-b_c@host.example"}) EXPECT_TRUE(is_node_name(right));
  const std::string long_name = std::string(254, 'a') + "@h";
  for (const std::string& wrong :
       std::vector<std::string>{"", "a", "@h", "a@", "a@h@h", "a b@h", "a@h\n", "é@h", long_name}) {
    EXPECT_FALSE(is_node_name(wrong)) << wrong;
  }
  handshake_in b(side("b@h", 2));
  EXPECT_EQ(b.step("N\0\0\0\0\4\0\0\0\0\0\0\1\0\3a h"s).failed->why, reason::protocol);
}

TEST(handshake, what_is_not_its_turn_or_is_cut_off_ends_it) {
  const std::string whole = handshake_out(side("a@h", 1), "b@h", false).start();
  for (std::size_t n = 0; n < whole.size(); ++n) {
    handshake_in b(side("b@h", 2));
    EXPECT_EQ(b.step(std::string_view(whole).substr(0, n)).failed->why, reason::protocol) << n;
  }
  for (const std::string& early : std::vector<std::string>{"", "sok", "r", "a", "c", "x"}) {
    EXPECT_TRUE(handshake_in(side("b@h", 2)).step(early).failed) << early;
  }
  for (const std::string& early : std::vector<std::string>{"", "N", "r", "a", "swhat", "s"}) {
    EXPECT_TRUE(handshake_out(side("a@h", 1), "b@h", false).step(early).failed) << early;
  }
}

} // namespace
} // namespace coppice::dist
