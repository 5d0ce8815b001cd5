// What the processes of the messaging server say to each other.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/messaging/core/client_wishes.hpp"
#include "servers/xmpp/framing.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

namespace coppice::messaging {

/// A stanza that many may hold; nobody changes it any more.
using stanza_ptr = std::shared_ptr<const xml::element>;

// --- from a stream to its user ---

/// Binds a resource: the stream is a session of the user from now on.
struct open_session {
  pid stream;
  std::string resource;                      ///< that the client wants; '': any
  xmpp::framing frames = xmpp::framing::tcp; ///< how the stream writes
};
/// It has this address, and this number among the sessions of its user.
struct session_opened {
  std::uint64_t session = 0;
  xmpp::jid address;
};
/// Takes an earlier session over, with what it has not been able to deliver (XEP-0198, section 5).
struct resume_session {
  pid stream;
  std::string previous;                      ///< what `<enabled/>` said
  std::uint32_t handled = 0;                 ///< stanzas that the client has
  xmpp::framing frames = xmpp::framing::tcp; ///< how the new stream writes
};
/// A user's process was started anew: the stream is there still. The answer says what it had already.
struct attach_stream {
  pid stream;
  std::uint64_t session = 0;
};
struct stream_attached {
  std::uint64_t taken = 0; ///< elements of this stream that were handled
};
/// An element that the client has sent; they are numbered from 1 on.
struct from_client {
  std::uint64_t session = 0;
  std::uint64_t number = 0;
  stanza_ptr element;
};
/// The stream has written that many bytes.
struct stream_wrote {
  std::uint64_t session = 0;
  std::uint64_t bytes = 0;
};
/// The stream is over. One that the client has closed is not resumed.
struct stream_over {
  pid stream;
  std::uint64_t session = 0;
  bool closed = false;
};

// --- from a user to the stream of a session ---

/// Write this.
struct to_client {
  std::string text;
  std::vector<std::size_t> ends; ///< over WebSocket: where each message ends
};
/// What the client has sent is handled up to here.
struct took_from_client {
  std::uint64_t number = 0;
};
/// Say so and end; without a condition end in order.
struct end_stream {
  std::string condition;
  std::string text;
};

// --- among users, rooms and all others that have an address ---

/// A stanza for whoever has its `to`.
struct deliver {
  stanza_ptr stanza;
  pid from; ///< who wants to know (`accepted`) that the receiver answers for it from now on; may be nobody
  std::uint64_t token = 0; ///< by which it knows the stanza
  std::int64_t id = 0;     ///< of a message: the same however often it comes
};
/// To the process of a user, from the server itself: send that in his name. Then `accepted`, or `not_spoken`.
struct speak {
  stanza_ptr stanza;
  pid from; ///< who is told
  std::uint64_t token = 0;
  std::int64_t id = 0;
};
/// The user may not say that: he is not there, or has blocked whom it is for.
struct not_spoken {
  std::uint64_t token = 0;
};
/// News of somebody's node, for those of the receiver's clients that want them (XEP-0163, 4.3).
struct notification {
  stanza_ptr message;                 ///< without `to`
  std::string feature;                ///< `node+notify`; '': not by wish, only to `subscribers`
  std::vector<xmpp::jid> subscribers; ///< addresses of the receiver that have subscribed in so many words
};
/// A client of a contact has come and wants to hear the last news of the receiver's nodes.
struct last_items_wanted {
  xmpp::jid who; ///< full
  std::shared_ptr<const client_wishes> wishes;
};
/// The receiver answers for it: it is kept, or has nothing that must be kept.
struct accepted {
  std::uint64_t token = 0;
};

} // namespace coppice::messaging
