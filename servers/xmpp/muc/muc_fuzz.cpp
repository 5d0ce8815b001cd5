// Any stanzas from several users: what comes out goes to those who are in the room, and can be read again.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/muc/room.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace {

using namespace coppice;
using namespace coppice::xmpp::muc;

constexpr std::array<std::string_view, 4> people = {"o@x/1", "o@x/2", "p@x/1", "q@y/1"};
constexpr std::array<std::string_view, 4> places = {"r@m", "r@m/a", "r@m/b", "r@m/c"};

/// A line is a user, a place, a kind of stanza, and what is in it.
std::string stanza_of(std::string_view line) {
  const std::string inside(line.substr(3));
  switch (static_cast<unsigned char>(line[2]) % 8U) {
  case 0: return inside;
  case 1: return "<presence><x xmlns='http://jabber.org/protocol/muc'>" + inside + "</x></presence>";
  case 2: return "<presence type='unavailable'>" + inside + "</presence>";
  case 3: return "<message type='groupchat'>" + inside + "</message>";
  case 4:
    return "<iq id='1' type='set'><query xmlns='http://jabber.org/protocol/muc#admin'>" + inside +
           "</query></iq>";
  case 5:
    return "<iq id='1' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><x "
           "xmlns='jabber:x:data' "
           "type='submit'>" +
           inside + "</x></query></iq>";
  case 6: return "<message>" + inside + "</message>";
  default: return "<iq id='1' type='get'>" + inside + "</iq>";
  }
}

/// The same as a client's stanza: in the namespace of its stream.
std::optional<xml::element> parsed(const std::string& text) {
  xml::stream_parser parser({.stanza = 4096, .depth = 16, .attributes = 16, .parts = 200});
  if (!parser.feed("<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:client'>") ||
      !parser.feed(text)) {
    return std::nullopt;
  }
  while (std::optional<xml::stream_event> event = parser.next()) {
    if (auto* stanza = std::get_if<xml::element>(&*event)) return std::move(*stanza);
  }
  return std::nullopt;
}

void check(const room& now, const outcome& out) {
  for (const command& c : out) {
    if (const auto* one = std::get_if<send>(&c)) {
      if (one->stanza.get("to").empty() || one->stanza.get("from").substr(0, 3) != "r@m") std::abort();
      if (xml::parse_element(one->stanza.to_string()) != one->stanza) std::abort();
    } else if (const auto* some = std::get_if<broadcast>(&c)) {
      if (some->to->size() > people.size() || some->stanza->find("to")) std::abort();
      if (some->stanza->get("from").substr(0, 3) != "r@m") std::abort();
    }
  }
  std::size_t sessions = 0;
  for (const occupant_info& o : now.occupants()) {
    sessions += o.sessions;
    if (o.is.of == affiliation::outcast || o.is.as == role::none) std::abort();
  }
  const auto inside = std::ranges::count_if(
      people, [&](std::string_view who) { return !now.nick_of(xmpp::jid::parse(who).value()).empty(); });
  if (sessions != static_cast<std::size_t>(inside)) std::abort();
  if (parse_config(to_text(now.config())) != now.config()) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const room_limits limits{
      .occupants = 3, .sessions = 2, .affiliations = 6, .history = 3, .history_bytes = 2000};
  room r(xmpp::jid::parse("r@m").value(), room_config(), limits, "secret");
  int ids = 0;
  const surroundings at{.now = {}, .fresh_id = [&ids] { return std::to_string(++ids); }};
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.size() < 3) continue;
    std::optional<xml::element> stanza = parsed(stanza_of(line));
    if (!stanza) continue;
    const auto from =
        xmpp::jid::parse(people.at(static_cast<unsigned char>(line[0]) % people.size())).value();
    const auto to = xmpp::jid::parse(places.at(static_cast<unsigned char>(line[1]) % places.size())).value();
    stanza->set("from", from.text()).set("to", to.text());
    const outcome out = r.take(from, to, std::move(*stanza), at);
    check(r, out);
    if (!out.empty() && std::holds_alternative<destroyed>(out.back())) return 0;
  }
  return 0;
}
