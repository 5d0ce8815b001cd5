// What the server knows of a user who is there: his sessions, his roster, and what is not finished. It
// outlives the process that looks after it (as an ETS table with an heir would).
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/process.hpp"
#include "servers/messaging/core/client_wishes.hpp"
#include "servers/xmpp/archive_query.hpp"
#include "servers/xmpp/blocking.hpp"
#include "servers/xmpp/client_state.hpp"
#include "servers/xmpp/framing.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/pubsub/account.hpp"
#include "servers/xmpp/roster.hpp"
#include "servers/xmpp/stream_management.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coppice::messaging {

struct keep_job;

/// One client of a user, bound to a resource. With stream management it may go on over several streams.
struct session {
  std::uint64_t number = 0; ///< among all of the user's
  xmpp::jid address;        ///< full
  xmpp::framing frames = xmpp::framing::tcp;

  // its stream, if there is one
  pid stream;
  std::uint64_t taken = 0;       ///< elements of the present stream that were handled
  std::uint64_t credited = 0;    ///< of those, what the stream has been told
  std::uint64_t begun = 0;       ///< the element that is being handled, or was when the process died
  std::int64_t begun_id = 0;     ///< what its message is called, here and wherever it goes
  std::uint32_t begun_count = 0; ///< its number among the client's stanzas
  std::uint64_t unwritten = 0;   ///< bytes that the stream has and has not written yet

  // RFC 6121
  std::shared_ptr<const xml::element> presence; ///< the last that was broadcast; none: not available
  int priority = 0;
  bool awaits_offline = false;  ///< it was given so much of what has waited that the rest waits for it
  bool interested = false;      ///< has asked for the roster: gets pushes
  bool sees_blocks = false;     ///< has asked for the block list: gets pushes
  std::set<xmpp::jid> directed; ///< who has got presence that was not broadcast

  // XEP-0115, XEP-0163
  std::string caps;                            ///< the key of its capabilities; '': it has told of none
  std::shared_ptr<const client_wishes> wishes; ///< of those capabilities; none: not known yet

  bool carbons = false;            ///< XEP-0280
  bool inactive = false;           ///< XEP-0352: nobody looks at the client
  xmpp::waiting_stanzas unhurried; ///< what it need not hear meanwhile

  // XEP-0198
  bool managed = false;
  std::string resume_id;             ///< '': it cannot be resumed
  std::optional<time_point> lost_at; ///< since when it waits for its client
  xmpp::inbound_count in;
  xmpp::outbound_queue out;
  bool owes_ack = false; ///< the client has asked, and not everything is handled yet

  // what goes out at the end of the callback
  std::string text;
  std::vector<std::size_t> ends; ///< over WebSocket

  [[nodiscard]] bool is_available() const noexcept { return presence != nullptr; }
  /// Whether its client wants to hear of a node: `pubsub::notify_feature`.
  [[nodiscard]] bool wants(std::string_view feature) const {
    return wishes != nullptr && wishes->contains(feature);
  }
};

/// Something that others have to answer for before the user's process does: the database, another user.
struct unfinished {
  std::uint64_t session = 0;                  ///< whose client sent it; 0: it came from elsewhere
  std::uint32_t number = 0;                   ///< as of `xmpp::inbound_count`
  pid from;                                   ///< else: who is told that it is accepted
  std::uint64_t token = 0;                    ///< by which he knows it
  int open = 0;                               ///< how many have not answered yet
  std::shared_ptr<const keep_job> job;        ///< what is to be kept, if that is so
  std::shared_ptr<const xml::element> stanza; ///< what somebody else is to have, if that is so
  std::int64_t id = 0;                        ///< what that message is called
  pid receiver;                               ///< who has it
};

/// Messages that came lately, so that one that comes again is known.
class recent_ids {
public:
  explicit recent_ids(std::size_t most = 128) noexcept : most_(most) {}
  /// Whether it came lately; now it did.
  bool seen(std::int64_t id);

private:
  std::size_t most_;
  std::vector<std::int64_t> ring_;
  std::size_t next_ = 0;
};

/// A user with all that concerns him now.
struct user_state {
  bool loaded = false; ///< what follows was read from the database
  bool exists = false; ///< there is such an account
  std::map<xmpp::jid, xmpp::roster_item> roster;
  std::uint64_t roster_version = 0;
  std::uint64_t oldest_roster_version = 0;  ///< from which on changes are known
  xmpp::block_list blocked;                 ///< XEP-0191
  xmpp::archive_preferences archiving;      ///< XEP-0313
  xmpp::pubsub::account nodes{xmpp::jid()}; ///< XEP-0163
  std::int64_t node_bytes = 0;              ///< of what is published there
  std::string avatar;                       ///< the identifier of the user's picture; '': none

  std::map<std::uint64_t, session> sessions; ///< by number
  std::uint64_t last_session = 0;
  std::map<std::uint64_t, unfinished> waiting; ///< by token
  std::uint64_t last_token = 0;
  recent_ids recent;
  recent_ids given{1'000}; ///< of those that have waited
};

} // namespace coppice::messaging
