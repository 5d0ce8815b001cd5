#include "bench/xmpp/load.hpp"

#include <fmt/format.h>

namespace coppice::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* room = "bench@conference.localhost";

struct entered {};

bool has_status(const xml::element& presence, std::string_view code) {
  for (const xml::element* part : presence.children()) {
    for (const xml::element* status : part->children()) {
      if (status->name() == "status" && status->get("code") == code) return true;
    }
  }
  return false;
}

/// The first one makes the room, with the form as it is.
constexpr const char* accept_room =
    "<iq type='set' id='room' to='bench@conference.localhost'><query "
    "xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>";

task<bool> enter(xmpp_client* client, unsigned n) {
  bool asked = co_await client->send(fmt::format("<presence to='{}/{}'><x xmlns='http://jabber.org/protocol/"
                                                 "muc'><history maxstanzas='0'/></x></presence>",
                                                 room, user(n)));
  if (!asked) co_return false;
  for (;;) {
    std::optional<xml::element> e = co_await client->next(60s);
    if (!e) co_return false;
    if (e->name() != "presence" || !has_status(*e, "110")) continue;
    if (!has_status(*e, "201")) co_return true;
    bool settled = co_await client->send(accept_room);
    co_return settled;
  }
}

/// Hears all. One of them is sent `begin` and speaks, too: as fast as it says, or when it has heard what it
/// said before.
process occupant(self me, target to, unsigned n, pid starter, bool speaks) {
  xmpp_client client(to.at, "localhost", to.tls);
  bool well = co_await client.sign_in(user(n), user(n), "o");
  if (well) {
    bool in = co_await enter(&client, n);
    well = in;
  }
  if (!well) count_failure(to, client.why());
  send(starter, entered());
  begin how;
  if (speaks) {
    begin told = co_await me.receive<begin>();
    how = told;
  }
  latencies mine;
  time_point due = now();
  unsigned open = 0;
  std::uint64_t number = 0;
  while (well && !to.all->over) {
    const bool may = how.window > 0 ? open < how.window : (how.every > duration::zero() && now() >= due);
    if (may) {
      bool sent = co_await client.send(
          fmt::format("<message type='groupchat' to='{}' id='r{:016x}'><body>{}</body></message>", room,
                      ++number, now_ns()));
      well = sent;
      ++open;
      due += how.every;
      continue;
    }
    const duration patience = how.every > duration::zero() ? due - now() : duration(500ms);
    std::optional<xml::element> e = co_await client.next(patience);
    const std::optional<std::int64_t> took = e ? time_under_way(to, *e) : std::nullopt;
    if (client.is_over() && !to.all->over) {
      count_failure(to, client.why());
      break;
    }
    if (!took) continue;
    ++to.all->done;
    --open;
    mine.nanoseconds.push_back(*took);
  }
  send(starter, std::move(mine));
}

} // namespace

task<> run_room(self me, target to, unsigned seconds, unsigned occupants, begin how) {
  to.begun = now_ns();
  pid speaker;
  for (unsigned n = 0; n < occupants; ++n) {
    const bool last = n + 1 == occupants;
    const pid one = spawn(&occupant, to, n, me.id(), last);
    co_await me.receive<entered>();
    if (last) speaker = one;
  }
  send(speaker, begin(how));
  co_await measure(me, to, "room", occupants, occupants, seconds);
}

} // namespace coppice::bench
