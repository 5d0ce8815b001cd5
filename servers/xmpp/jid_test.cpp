// The examples of RFC 7622, 3.5, and what a form makes of them.
#include "servers/xmpp/jid.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

std::string parts(std::string_view text) {
  const auto parsed = jid::parse(text);
  if (!parsed) return "wrong";
  return std::string(parsed->local()) + "|" + std::string(parsed->domain()) + "|" +
         std::string(parsed->resource());
}

TEST(jid, has_parts) {
  EXPECT_EQ(parts("juliet@example.com"), "juliet|example.com|");
  EXPECT_EQ(parts("juliet@example.com/foo"), "juliet|example.com|foo");
  EXPECT_EQ(parts("juliet@example.com/foo bar"), "juliet|example.com|foo bar");
  EXPECT_EQ(parts("juliet@example.com/foo@bar"), "juliet|example.com|foo@bar");
  EXPECT_EQ(parts("foo\\20bar@example.com"), "foo\\20bar|example.com|");
  EXPECT_EQ(parts("fussball@example.com"), "fussball|example.com|");
  EXPECT_EQ(parts("\xcf\x80@example.com"), "\xcf\x80|example.com|");
  EXPECT_EQ(parts("king@example.com/\xe2\x99\x9a"), "king|example.com|\xe2\x99\x9a");
  EXPECT_EQ(parts("example.com"), "|example.com|");
  EXPECT_EQ(parts("example.com/foobar"), "|example.com|foobar");
  EXPECT_EQ(parts("a.example.com/b@example.net"), "|a.example.com|b@example.net");
  EXPECT_EQ(parts("a@[::1]/b"), "a|[::1]|b");
  EXPECT_EQ(parts("a@127.0.0.1"), "a|127.0.0.1|");
}

TEST(jid, is_what_it_is_compared_as) {
  EXPECT_EQ(parts("Juliet@EXAMPLE.com./Foo"), "juliet|example.com|Foo");
  EXPECT_EQ(parts("\xce\xa3@x.de"), "\xcf\x83|x.de|"); // a capital sigma
  EXPECT_EQ(parts("stra\xc3\x9f"
                  "e@x.de"),
            "strasse|x.de|");                                                   // as nodeprep folds it
  EXPECT_EQ(parts("\xe2\x84\xab@x.de/\xe2\x84\xab"), "\xc3\xa5|x.de|\xc3\x85"); // the sign of the unit
  EXPECT_EQ(*jid::parse("A@b/C"), *jid::parse("a@B/C"));
  EXPECT_NE(*jid::parse("a@b/C"), *jid::parse("a@b/c"));
}

TEST(jid, is_refused_where_a_part_is_not_sound) {
  for (std::string_view text : {"",
                                "@example.com",
                                "juliet@",
                                "juliet@/foo",
                                "juliet@example.com/",
                                "\"juliet\"@example.com",
                                "foo bar@example.com",
                                "a&b@example.com",
                                "a<b@example.com",
                                "a:b@example.com",
                                "@example.com/",
                                "/x",
                                "a@exa mple.com",
                                "a@.com",
                                "a@b..com",
                                "a@b.com..",
                                "a@[::1",
                                "a@[zz]",
                                "a@b@c",
                                "a@b/\x01",
                                "a@b/\xff",
                                "\xff@b",
                                "a@\xc0\x80"}) {
    EXPECT_EQ(parts(text), "wrong") << text;
  }
  EXPECT_EQ(parts(std::string("a\0b@c", 5)), "wrong");
}

TEST(jid, bounds_its_parts) {
  const std::string long_part(1023, 'a');
  EXPECT_NE(parts(long_part + "@b/" + long_part), "wrong");
  EXPECT_EQ(parts(long_part + "a@b"), "wrong");
  EXPECT_EQ(parts("b/" + long_part + "a"), "wrong");
  EXPECT_EQ(parts("a@" + std::string(64, 'b')), "wrong");
  std::string grows; // to four letters each
  for (int i = 0; i < 400; ++i) grows += "\xe2\x92\xa8";
  EXPECT_EQ(parts(grows + "@b"), "wrong");
}

TEST(jid, gives_others) {
  const jid full = *jid::parse("a@b/c");
  EXPECT_EQ(full.bare(), *jid::parse("a@b"));
  EXPECT_EQ(full.bare_text(), "a@b");
  EXPECT_TRUE(full.bare().is_bare());
  EXPECT_FALSE(full.is_bare());
  EXPECT_EQ(full.bare().with_resource("d").value().text(), "a@b/d");
  EXPECT_EQ(full.with_resource("d").value().text(), "a@b/d");
  EXPECT_FALSE(full.with_resource(""));
  EXPECT_TRUE(jid().empty());
  EXPECT_EQ(std::hash<jid>()(full), std::hash<jid>()(*jid::parse("A@b/c")));
}

} // namespace
} // namespace coppice::xmpp
