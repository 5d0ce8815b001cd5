#include "coppice/dist/control.hpp"

#include "coppice/term/text.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace coppice::dist {
namespace {

const pid theirs{5, 3, 9};
const pid ours{7, 0, 0};
const reference ref{{1, 2, 3, 0, 0}, 3, 3, 9};

std::vector<control> all_of_them() {
  return {
      link_signal{theirs, ours},
      send_signal{theirs, ours},
      send_signal{theirs, "echo"_atom},
      alias_signal{theirs, ref},
      exit_signal{theirs, ours, "gone"_atom},
      exit2_signal{theirs, ours, "kill"_atom},
      unlink_signal{~std::uint64_t{0}, theirs, ours},
      unlink_ack_signal{1, theirs, ours},
      group_leader_signal{theirs, ours},
      monitor_signal{theirs, ours, ref},
      monitor_signal{theirs, "echo"_atom, ref},
      demonitor_signal{theirs, "echo"_atom, ref},
      down_signal{"echo"_atom, ours, ref, "noproc"_atom},
      down_signal{theirs, ours, ref, term::tuple("shutdown"_atom, 1)},
      spawn_request_signal{
          ref, theirs, theirs, {"erlang"_atom, "apply"_atom, 2}, term::list("link"_atom), term::list(1, 2)},
      spawn_reply_signal{ref, ours, spawn_reply_signal::linked, theirs},
      spawn_reply_signal{ref, ours, 0, "notsup"_atom},
  };
}

TEST(control, every_signal_is_read_as_it_was_written) {
  for (bool altact : {false, true}) {
    for (const control& c : all_of_them()) {
      const control_parts parts = to_parts(c, altact);
      auto read = parse_control(parts.tuple);
      ASSERT_TRUE(read) << to_string(parts.tuple) << read.error();
      const bool is_message =
          std::holds_alternative<send_signal>(c) || std::holds_alternative<alias_signal>(c);
      EXPECT_EQ(read->has_payload, parts.payload.has_value() || is_message) << to_string(parts.tuple);
      if (parts.payload) {
        EXPECT_TRUE(complete(read->what, *parts.payload));
      }
      EXPECT_EQ(read->what, c) << to_string(parts.tuple);
    }
  }
}

/// What a tuple of the text is, where `P` stands for a pid of the peer's, `Q` for one of ours and `R` for a
/// reference.
std::expected<control_head, std::string> read(const std::string& text) {
  std::vector<term> all;
  const term parsed = parse_term(text).value();
  for (const term& t : parsed.elements()) {
    all.push_back(t.is_atom("p"_atom)   ? term(theirs)
                  : t.is_atom("q"_atom) ? term(ours)
                  : t.is_atom("r"_atom) ? term(ref)
                                        : t);
  }
  return parse_control(term::tuple_from(all));
}

TEST(control, forms_that_only_peers_send_are_read) {
  EXPECT_EQ(read("{2,'',q}")->what, control(send_signal{pid{}, ours}));
  EXPECT_EQ(read("{12,'',q,token}")->what, control(send_signal{pid{}, ours}));
  EXPECT_EQ(read("{23,p,q,token}")->what, control(send_signal{theirs, ours}));
  EXPECT_EQ(read("{16,p,'',echo,token}")->what, control(send_signal{theirs, "echo"_atom}));
  EXPECT_EQ(read("{3,p,q,why}")->what, control(exit_signal{theirs, ours, "why"_atom}));
  EXPECT_EQ(read("{13,p,q,token,why}")->what, control(exit_signal{theirs, ours, "why"_atom}));
  EXPECT_EQ(read("{8,p,q,why}")->what, control(exit2_signal{theirs, ours, "why"_atom}));
  EXPECT_EQ(read("{18,p,q,token,why}")->what, control(exit2_signal{theirs, ours, "why"_atom}));
  EXPECT_EQ(read("{21,p,q,r,why}")->what, control(down_signal{theirs, ours, ref, "why"_atom}));
  EXPECT_EQ(read("{25,p,q,token}")->what, control(exit_signal{theirs, ours, {}}));
  EXPECT_EQ(read("{27,p,q,token}")->what, control(exit2_signal{theirs, ours, {}}));
  EXPECT_EQ(read("{34,p,r,token}")->what, control(alias_signal{theirs, ref}));
  EXPECT_EQ(read("{37,0,p,q}")->what, control(send_signal{theirs, ours}));
  EXPECT_EQ(read("{37,1,p,q}")->what, control(send_signal{theirs, ours})); // of priority
  EXPECT_EQ(read("{37,8,p,echo}")->what, control(send_signal{theirs, "echo"_atom}));
  EXPECT_EQ(read("{37,6,p,r,token}")->what, control(alias_signal{theirs, ref}));
  EXPECT_EQ(read("{37,17,p,q}")->what, control(exit2_signal{theirs, ours, {}}));
  EXPECT_EQ(read("{1,p,q,later,versions}")->what, control(link_signal{theirs, ours}));
}

TEST(control, what_is_none_is_told_with_its_fault) {
  const std::pair<std::string, std::string> all[] = {
      {"{}", "a control message is a tuple"},
      {"{a}", "a control message begins with the number of its operation"},
      {"{5,p,q}", "the operation 5 is not known"},
      {"{4,p,q}", "the operation 4 is not known"}, // UNLINK without a number is of the past
      {"{99}", "the operation 99 is not known"},
      {"{1,p}", "3 elements are expected"},
      {"{1,p,r}", "element 3 is to be a pid"},
      {"{19,p,1,r}", "element 3 is to be a pid"},
      {"{19,p,echo,p}", "element 4 is to be a reference"},
      {"{35,0,p,q}", "element 2 is to be a number from 1 to 2^64-1"},
      {"{35,-1,p,q}", "element 2 is to be a number from 1 to 2^64-1"},
      {"{35,18446744073709551616,p,q}", "element 2 is to be a number from 1 to 2^64-1"},
      {"{29,r,p,q,{a,b},[]}", "element 5 is to be {Module, Function, Arity}"},
      {"{29,r,p,q,{a,b,256},[]}", "element 5 is to be {Module, Function, Arity}"},
      {"{37,2,p,q}", "5 elements are expected"},
  };
  for (const auto& [text, what] : all) EXPECT_EQ(read(text).error(), what) << text;
  EXPECT_FALSE(parse_control("no tuple"_atom));
}

TEST(control, a_spawn_has_as_many_arguments_as_it_says) {
  control c = read("{29,r,p,q,{a,b,2},[]}")->what;
  EXPECT_FALSE(complete(c, term::list(1)));
  EXPECT_FALSE(complete(c, "none"_atom));
  EXPECT_FALSE(complete(c, term::cons(1, 2)));
  EXPECT_TRUE(complete(c, term::list(1, 2)));
}

} // namespace
} // namespace coppice::dist
