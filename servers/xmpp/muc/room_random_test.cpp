// Conversations at random, by seed: what everybody was told of the others is what is so.
#include "servers/xmpp/muc/detail/test_room.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <random>

namespace coppice::xmpp::muc {
namespace {

constexpr std::string_view nicks[] = {"a", "b", "c", "d"};

/// What a client knows of a room: who is in it, as what.
using view = std::map<std::string, std::string>;

class conversation {
public:
  explicit conversation(std::uint32_t seed) : random_(seed) {
    for (const char* user : {"u0@x", "u1@x", "u2@x", "u3@y", "u4@y"}) {
      for (const char* resource : {"/p", "/q"}) people_.push_back(std::string(user) + resource);
    }
    room_.emplace();
  }

  void step() {
    const std::string who = people_[pick(people_.size())];
    before_.clear();
    for (const occupant_info& o : (*room_)->occupants()) before_[std::string(o.nick)] = o.is;
    moderated_ = (*room_)->config().moderated;
    act(who);
    for (const std::string& one : people_) {
      for (const xml::element& stanza : room_->sent(one)) take(one, stanza);
    }
    if (!room_->commands<destroyed>().empty()) {
      EXPECT_EQ((*room_)->size(), 0U);
      room_.emplace();
      views_.clear();
    }
    room_->forget();
    check();
  }

private:
  std::size_t pick(std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_);
  }
  std::string nick() { return std::string(nicks[pick(std::size(nicks))]); }
  std::string user() {
    const std::string full = people_[pick(people_.size())];
    return pick(12) == 0 ? "y" : full.substr(0, full.find('/'));
  }

  void act(const std::string& who) {
    static constexpr std::string_view roles[] = {"none", "visitor", "participant", "moderator"};
    static constexpr std::string_view affiliations[] = {"outcast", "none", "member", "admin", "owner"};
    static constexpr std::string_view flags[] = {"membersonly", "moderatedroom", "persistentroom",
                                                 "changesubject"};
    switch (pick(14)) {
    case 0:
    case 1:
    case 2:
    case 3: return room_->enter(who, nick());
    case 4: return room_->leave(who, nick());
    case 5: return room_->gone(who);
    case 6:
      return room_->take("<presence xmlns='jabber:client' from='" + who + "' to='" + coven + "/" + nick() +
                         "'/>");
    case 7:
    case 8: return room_->say(who, "text");
    case 9:
      return room_->admin(who, "<item nick='" + nick() + "' role='" + std::string(roles[pick(4)]) + "'/>");
    case 10:
    case 11:
      return room_->admin(who, "<item jid='" + user() + "' affiliation='" +
                                   std::string(affiliations[pick(5)]) + "'/>");
    case 12:
      return room_->configure(who, "<field var='muc#roomconfig_" + std::string(flags[pick(4)]) + "'><value>" +
                                       std::to_string(pick(2)) + "</value></field>");
    default: return extra(who);
    }
  }

  void extra(const std::string& who) {
    switch (pick(4)) {
    case 0:
      return room_->set(who, "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"
                             "<field var='muc#register_roomnick'><value>" +
                                 nick() + "</value></field></x></query>");
    case 1: return room_->set(who, "<query xmlns='jabber:iq:register'><remove/></query>");
    case 2:
      return room_->message(
          who, "", "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='" + user() + "'/></x>");
    default:
      return room_->message(
          who, "error", "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
    }
  }

  /// What a client makes of a stanza.
  void take(const std::string& who, const xml::element& stanza) {
    const jid from = jid::parse(stanza.get("from")).value();
    const std::string nick(from.resource());
    if (stanza.name() == "message" && stanza.get("type") == "groupchat" && stanza.child("body") != nullptr &&
        stanza.child(ns::delay, "delay") == nullptr) {
      EXPECT_TRUE(before_.contains(nick));
      EXPECT_TRUE(!moderated_ || before_[nick].as >= role::participant) << nick << " has no voice";
    }
    if (stanza.name() != "presence" || stanza.get("type") == "error") return;
    const strings all = codes(stanza);
    const bool own = std::ranges::find(all, "110") != all.end();
    const bool renamed = std::ranges::find(all, "303") != all.end();
    if (stanza.get("type") == "unavailable") {
      views_[who].erase(nick);
      if (own && !renamed) views_.erase(who);
    } else {
      views_[who][nick] = standing_in(stanza);
    }
  }

  void check() {
    const room& now = **room_;
    view truth;
    for (const occupant_info& o : now.occupants()) {
      truth[std::string(o.nick)] = std::string(name_of(o.is.of)) + " " + std::string(name_of(o.is.as));
      EXPECT_NE(o.is.of, affiliation::outcast);
      EXPECT_NE(o.is.as, role::none);
      EXPECT_GT(o.sessions, 0U);
      EXPECT_TRUE(o.is.of < affiliation::admin || o.is.as == role::moderator);
      EXPECT_TRUE(!now.config().members_only || o.is.of >= affiliation::member);
    }
    std::size_t owners = 0;
    for (const auto& [user, is] : now.users()) owners += is.is == affiliation::owner ? 1 : 0;
    EXPECT_TRUE(now.size() == 0 || owners > 0);
    for (const std::string& one : people_) {
      const std::string_view nick = now.nick_of(jid::parse(one).value());
      if (nick.empty()) {
        EXPECT_FALSE(views_.contains(one)) << one << " believes that he is in the room";
      } else {
        EXPECT_EQ(views_[one], truth) << one;
      }
    }
  }

  std::mt19937 random_;
  std::vector<std::string> people_;
  std::optional<test_room> room_;
  std::map<std::string, view> views_;
  std::map<std::string, standing> before_;
  bool moderated_ = false;
};

TEST(room_random, everybody_knows_what_is_so) {
  for (std::uint32_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    conversation one(seed);
    for (int i = 0; i < 300; ++i) {
      one.step();
      if (testing::Test::HasFailure()) FAIL() << "in step " << i;
    }
  }
}

} // namespace
} // namespace coppice::xmpp::muc
