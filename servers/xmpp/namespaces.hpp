// The namespaces of XMPP, under the names that the specifications give them.
#pragma once

#include <string_view>

namespace coppice::xmpp::ns {

// RFC 6120, 6121, 7395
inline constexpr std::string_view client = "jabber:client";
inline constexpr std::string_view streams = "http://etherx.jabber.org/streams";
inline constexpr std::string_view stream_errors = "urn:ietf:params:xml:ns:xmpp-streams";
inline constexpr std::string_view stanza_errors = "urn:ietf:params:xml:ns:xmpp-stanzas";
inline constexpr std::string_view tls = "urn:ietf:params:xml:ns:xmpp-tls";
inline constexpr std::string_view sasl = "urn:ietf:params:xml:ns:xmpp-sasl";
inline constexpr std::string_view bind = "urn:ietf:params:xml:ns:xmpp-bind";
inline constexpr std::string_view session = "urn:ietf:params:xml:ns:xmpp-session";
inline constexpr std::string_view framing = "urn:ietf:params:xml:ns:xmpp-framing";
inline constexpr std::string_view roster = "jabber:iq:roster";
inline constexpr std::string_view roster_versioning = "urn:xmpp:features:rosterver";
inline constexpr std::string_view subscription_approval = "urn:xmpp:features:pre-approval";

// Extensions, by number
inline constexpr std::string_view data_forms = "jabber:x:data";                               // 0004
inline constexpr std::string_view disco_info = "http://jabber.org/protocol/disco#info";       // 0030
inline constexpr std::string_view disco_items = "http://jabber.org/protocol/disco#items";     // 0030
inline constexpr std::string_view muc = "http://jabber.org/protocol/muc";                     // 0045
inline constexpr std::string_view muc_user = "http://jabber.org/protocol/muc#user";           // 0045
inline constexpr std::string_view muc_admin = "http://jabber.org/protocol/muc#admin";         // 0045
inline constexpr std::string_view muc_owner = "http://jabber.org/protocol/muc#owner";         // 0045
inline constexpr std::string_view bookmarks_legacy = "storage:bookmarks";                     // 0048
inline constexpr std::string_view private_storage = "jabber:iq:private";                      // 0049
inline constexpr std::string_view vcard = "vcard-temp";                                       // 0054
inline constexpr std::string_view rsm = "http://jabber.org/protocol/rsm";                     // 0059
inline constexpr std::string_view pubsub = "http://jabber.org/protocol/pubsub";               // 0060
inline constexpr std::string_view pubsub_event = "http://jabber.org/protocol/pubsub#event";   // 0060
inline constexpr std::string_view pubsub_owner = "http://jabber.org/protocol/pubsub#owner";   // 0060
inline constexpr std::string_view pubsub_errors = "http://jabber.org/protocol/pubsub#errors"; // 0060
inline constexpr std::string_view registration = "jabber:iq:register";                        // 0077
inline constexpr std::string_view user_avatar_data = "urn:xmpp:avatar:data";                  // 0084
inline constexpr std::string_view user_avatar_metadata = "urn:xmpp:avatar:metadata";          // 0084
inline constexpr std::string_view chat_states = "http://jabber.org/protocol/chatstates";      // 0085
inline constexpr std::string_view version = "jabber:iq:version";                              // 0092
inline constexpr std::string_view caps = "http://jabber.org/protocol/caps";                   // 0115
inline constexpr std::string_view validation = "http://jabber.org/protocol/xdata-validate";   // 0122
inline constexpr std::string_view vcard_update = "vcard-temp:x:update";                       // 0153
inline constexpr std::string_view host_meta_tcp = "urn:xmpp:alt-connections:xbosh";           // 0156
inline constexpr std::string_view host_meta_websocket = "urn:xmpp:alt-connections:websocket"; // 0156
inline constexpr std::string_view receipts = "urn:xmpp:receipts";                             // 0184
inline constexpr std::string_view blocking = "urn:xmpp:blocking";                             // 0191
inline constexpr std::string_view blocking_errors = "urn:xmpp:blocking:errors";               // 0191
inline constexpr std::string_view stream_management = "urn:xmpp:sm:3";                        // 0198
inline constexpr std::string_view ping = "urn:xmpp:ping";                                     // 0199
inline constexpr std::string_view time = "urn:xmpp:time";                                     // 0202
inline constexpr std::string_view delay = "urn:xmpp:delay";                                   // 0203
inline constexpr std::string_view conference = "jabber:x:conference";                         // 0249
inline constexpr std::string_view carbons = "urn:xmpp:carbons:2";                             // 0280
inline constexpr std::string_view forward = "urn:xmpp:forward:0";                             // 0297
inline constexpr std::string_view archive = "urn:xmpp:mam:2";                                 // 0313
inline constexpr std::string_view chat_markers = "urn:xmpp:chat-markers:0";                   // 0333
inline constexpr std::string_view hints = "urn:xmpp:hints";                                   // 0334
inline constexpr std::string_view client_state = "urn:xmpp:csi:0";                            // 0352
inline constexpr std::string_view stanza_ids = "urn:xmpp:sid:0";                              // 0359
inline constexpr std::string_view upload = "urn:xmpp:http:upload:0";                          // 0363
inline constexpr std::string_view encryption = "urn:xmpp:eme:0";                              // 0380
inline constexpr std::string_view vcard_conversion = "urn:xmpp:pep-vcard-conversion:0";       // 0398
inline constexpr std::string_view bookmarks = "urn:xmpp:bookmarks:1";                         // 0402
inline constexpr std::string_view bookmarks_conversion = "urn:xmpp:bookmarks-conversion:0";   // 0411
inline constexpr std::string_view occupant_ids = "urn:xmpp:occupant-id:0";                    // 0421
inline constexpr std::string_view retractions = "urn:xmpp:message-retract:1";                 // 0424
inline constexpr std::string_view reactions = "urn:xmpp:reactions:0";                         // 0444

} // namespace coppice::xmpp::ns
