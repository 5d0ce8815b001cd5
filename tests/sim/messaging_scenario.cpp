// What was acknowledged to a client is in both archives, once; whichever processes die, when the program dies
// as a whole, and whatever the disk does.
#include "tests/sim/messaging_scenario.hpp"

#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/info.hpp"
#include "servers/messaging/application.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "tests/sim/faulty_store.hpp"
#include "tests/sim/messaging_client.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

namespace coppice::sim {
namespace {

using namespace std::chrono_literals;

/// How often a step of a transaction goes wrong, of a thousand.
disk faults_of(in_conversation c) {
  const auto often = static_cast<unsigned>(c->in.choices().between(0, 40));
  return [c, often](disk_fault possible) {
    const bool happens = c->disk_fails && c->in.choices().chance(often);
    return happens ? possible : disk_fault::none;
  };
}

store::database open_store(in_conversation c) {
  store::database_options o;
  o.where = ":memory:";
  o.schema = messaging::storage::schema_name;
  o.migrations = messaging::storage::migrations();
  const bool fails = std::exchange(c->disk_fails, false);
  o.around = [d = faults_of(c)](std::unique_ptr<store::detail::connection> sound) {
    return on_faulty_disk(std::move(sound), d);
  };
  auto db = store::database::open(o);
  if (!db) throw std::runtime_error(db.error());
  auto made = db->write_now([users = c->users](store::transaction& t) {
    for (const std::string& user : users) {
      messaging::storage::create_account(t, user + "@sim", {}, xmpp::instant());
    }
  });
  if (!made) throw std::runtime_error(made.error().text);
  c->disk_fails = fails;
  return *db;
}

/// Above the server's own top, so that that one may be killed, too.
class roof : public supervisor {
public:
  explicit roof(messaging::host h) : host_(std::move(h)) {}
  [[nodiscard]] static supervisor_flags flags() { return {.intensity = 100'000}; }
  [[nodiscard]] std::vector<child_spec> children() const { return {messaging::top_child(host_, {})}; }

private:
  messaging::host host_;
};

/// Gives the processes of the server to the world, as they come.
process collector(self, in_conversation c) {
  std::set<pid> known;
  for (;;) {
    for (const process_summary& p : this_node().processes()) {
      const bool theirs =
          c->top && !c->safe.contains(p.process); // while it is started nobody knows who is the top
      if (theirs && known.insert(p.process).second) c->in.killable(p.process);
    }
    const duration pause = std::chrono::microseconds(c->in.choices().between(0, 20'000));
    co_await idle_for(pause);
    if (c->over) co_return;
  }
}

messaging::host make_host(const store::database& db) {
  messaging::settings how;
  how.domain = "sim";
  how.uploads.max_file_size = 0;
  how.resumption_time = 30s;
  return messaging::host(std::move(how), db, std::nullopt, "secret");
}

/// As by kill -9: nobody is asked.
task<> end_life(self me, in_conversation c, pid top) {
  exit(top, exit_reason::kill());
  co_await end_of(me, top);
  const auto is_left = [&c](const process_summary& p) { return !c->safe.contains(p.process); };
  while (std::ranges::any_of(this_node().processes(), is_left)) co_await idle_for(1ms);
}

task<> live_some_lives(self me, in_conversation c, store::database db) {
  const int lives = c->in.choices().between(1, 3);
  for (c->life = 1;; ++c->life) {
    start_result<roof> top = co_await start<roof>(make_host(db));
    c->in.expect(top.has_value(), "the server does not start");
    if (!top) co_return;
    const pid process = *top->resolve();
    c->safe.insert(process);
    c->top = process;
    if (c->life == lives) co_return;
    co_await idle_for(std::chrono::microseconds(c->in.choices().between(0, 400'000)));
    c->top = pid();
    co_await end_life(me, c, process);
  }
}

/// How often each message is in the archive of whom.
std::map<std::tuple<std::string, std::string, std::string>, int> archived(store::transaction& t) {
  std::map<std::tuple<std::string, std::string, std::string>, int> all;
  for (const store::row& r : t.query("SELECT owner, stanza FROM archive")) {
    const std::string owner = r.get<std::string>(0);
    const auto stanza = xml::parse_element(r.get<std::string>(1));
    if (!stanza) continue;
    const std::string from(stanza->get("from"));
    ++all[{owner.substr(0, owner.find('@')), from.substr(0, from.find('@')), std::string(stanza->get("id"))}];
  }
  return all;
}

task<> look_into_archives(in_conversation c, store::database db) {
  auto found = co_await db.read(&archived);
  c->in.expect(found.has_value(), "the archives cannot be read");
  if (!found) co_return;
  for (const auto& [what, times] : *found) c->in.expect(times == 1, "a message is in an archive twice");
  for (const auto& [sender, id] : c->acknowledged) {
    const std::string& receiver = c->to[{sender, id}];
    c->in.expect(found->contains({sender, sender, id}),
                 "an acknowledged message is not in its sender's archive");
    const bool safe = found->contains({receiver, sender, id}) || c->returned.contains({sender, id});
    c->in.expect(safe, "an acknowledged message is not in its receiver's archive");
  }
  c->in.note(found->size());
}

task<> messaging_main(self me, in_world w, in_conversation c) {
  const store::database db = *c->db;
  c->safe.insert(me.id());
  const pid reaper = spawn(&collector, c);
  c->safe.insert(reaper);
  for (const std::string& user : c->users) add_messaging_client(c, user);
  co_await live_some_lives(me, c, db);
  co_await idle_for(200ms);
  w->calm();
  c->disk_fails = false;
  for (int tries = 600; tries > 0 && c->writing > 0; --tries) co_await idle_for(100ms);
  w->expect(c->writing == 0, "a client was not told that what it has said is safe");
  co_await look_into_archives(c, db);
  c->over = true;
  co_await end_of(me, reaper);
  while (c->at_home < static_cast<int>(c->users.size())) co_await idle_for(1ms);
  std::expected<ok, exit_reason> ended = co_await stop(server_name(c->top), exit_reason::shutdown());
  w->expect(ended.has_value(), "the server does not shut down in order");
}

} // namespace

void play_messaging(world& w) {
  conversation c(w);
  const int count = w.choices().between(2, 3);
  for (int n = 0; n < count; ++n) c.users.push_back(fmt::format("user{}", n));
  c.db = open_store(in_conversation(c));
  w.run(&messaging_main, in_conversation(c));
  w.settle(); // what is left must end while the conversation is there
}

} // namespace coppice::sim
