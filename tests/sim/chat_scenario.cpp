// What was accepted reaches every receiver once, in the order of its sender, and the sender learns who has
// seen it; whichever processes of the server die, and whenever.
#include "tests/sim/chat_scenario.hpp"

#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/info.hpp"
#include "servers/chat/application.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/session.hpp"
#include "tests/sim/distribution_scenario.hpp"
#include "tests/sim/messaging_scenario.hpp"

#include <fmt/format.h>
#include <map>
#include <set>
#include <tuple>

namespace coppice::sim {
namespace {

using namespace std::chrono_literals;
using namespace chat;

/// What was said and what has been seen of it.
struct talk {
  explicit talk(world& w) : in(w) {}

  struct said {
    std::string from;
    std::string id;
    std::string to;
    int number; ///< among those of its sender
  };

  void saw(const std::string& user, const event& e) {
    if (const chat_message* m = e.message()) {
      in.expect(seen.emplace(user, m->from, m->id).second, "a message came twice");
      int& last = newest[{user, m->from, m->to}];
      int number = std::stoi(m->text);
      in.expect(number > last, "messages of one sender to one room or user came out of order");
      last = number;
    } else {
      const auto& r = std::get<receipt>(e.what);
      in.expect(told.emplace(user, r.id, r.by).second, "a receipt came twice");
    }
  }
  /// Whether everybody has seen all that was accepted, and its senders know.
  [[nodiscard]] bool complete() const {
    for (const said& s : accepted) {
      for (const std::string& user : users) {
        if (user != s.from && user != s.to && !s.to.starts_with('#')) continue;
        if (!seen.contains({user, s.from, s.id})) return false;
        if (user != s.from && !told.contains({s.from, s.id, user})) return false;
      }
    }
    return true;
  }

  world& in;
  std::string epoch;
  std::vector<std::string> users;
  std::vector<said> accepted;
  std::set<std::tuple<std::string, std::string, std::string>> seen; ///< by whom, from whom, the id
  std::map<std::tuple<std::string, std::string, std::string>, int> newest;
  std::set<std::tuple<std::string, std::string, std::string>> told; ///< to whom, of what, who has seen it
  std::set<pid> safe;                                               ///< not to be killed
};
using in_talk = held<talk>;

constexpr const char* room = "#room";
struct over {};

/// Asks until there is an answer: a page would do so, too.
template <class Request>
task<mailbox_store::protocol::reply_of<Request>> insist(Request request) {
  for (;;) {
    auto reply = co_await ask_store(request);
    if (reply) co_return std::move(*reply);
    co_await idle_for(short_wait);
  }
}

/// Takes part as a connection does: attaches to the session of its user, again whenever that has died.
process reader(self me, in_talk t, std::string user) {
  std::uint64_t seq = 0;
  std::optional<pid> session_pid;
  for (;;) {
    if (!session_pid) {
      std::optional<pid> found = co_await find_session(user);
      session_pid = found;
      if (session_pid) {
        monitor(*session_pid);
        server_ref<session> s(*session_pid);
        cast<catch_up>(s);
        std::expected<ok, exit_reason> attached =
            co_await try_call<attach>(s, within(infinity), me.id(), seq);
        static_cast<void>(attached); // should it have died, its `down` comes
      } else {
        std::optional<over> end = co_await me.receive<over>(short_wait);
        if (end) co_return;
        continue;
      }
    }
    auto got = co_await me.receive<deliver, down, room_news, left_news, over>();
    if (std::holds_alternative<over>(got)) co_return;
    if (auto* gone = std::get_if<down>(&got)) {
      if (gone->process == session_pid) session_pid.reset();
      continue;
    }
    auto* news = std::get_if<deliver>(&got);
    if (news == nullptr) continue;
    for (const event_ptr& e : news->events) {
      t->in.expect(e->seq > seq, "an event came twice or out of order");
      seq = e->seq;
      t->saw(user, *e);
    }
    cast<took>(server_ref<session>(news->session), me.id());
    ack_events seen_so_far{user, seq, t->epoch};
    co_await insist(seen_so_far);
  }
}

process writer(self, in_talk t, std::string user) {
  random& choices = t->in.choices();
  const int count = choices.between(0, 4);
  for (int n = 1; n <= count; ++n) {
    std::string to = choices.chance(700) ? std::string(room) : t->users[choices.below(t->users.size())];
    post_message m{user, fmt::format("{}-message-number-{}", user, n), to, std::to_string(n)};
    if (to == user) continue;
    mailbox_store::answer<taken> reply = co_await insist(m);
    t->in.expect(reply.has_value(), "a message was refused");
    t->accepted.push_back({m.from, m.id, m.to, n});
    if (choices.chance(400)) co_await idle_for(std::chrono::microseconds(choices.between(0, 50'000)));
  }
}

/// Gives the processes of the server to the world, as they come.
process reaper(self me, in_talk t) {
  std::set<pid> known;
  for (;;) {
    for (const process_summary& p : this_node().processes()) {
      if (!t->safe.contains(p.process) && known.insert(p.process).second) t->in.killable(p.process);
    }
    duration pause = std::chrono::microseconds(t->in.choices().between(0, 20'000));
    std::optional<over> end = co_await me.receive<over>(pause);
    if (end) co_return;
  }
}

/// Above the server's own top, so that that one may be killed, too.
class umbrella : public supervisor {
public:
  explicit umbrella(coppice::chat::chat c) : chat_(std::move(c)) {}
  [[nodiscard]] static supervisor_flags flags() { return {.intensity = 1000}; }
  [[nodiscard]] std::vector<child_spec> children() const { return {top_child(chat_)}; }

private:
  coppice::chat::chat chat_;
};

task<> take_part(in_talk t, std::string user) {
  open_mailbox open{user};
  mailbox_store::answer<mailbox_state> opened = co_await insist(open);
  join_room join{user, room};
  mailbox_store::answer<member_list> joined = co_await insist(join);
  t->in.expect(opened && joined, "a user cannot take part");
}

task<> until_complete(in_talk t) {
  for (int tries = 600; tries > 0 && !t->complete(); --tries) co_await idle_for(100ms);
  t->in.expect(t->complete(),
               "something that was accepted has not reached everybody, or its sender was not told");
  t->in.note(t->seen.size() << 32U | t->told.size());
}

task<> chat_main(self me, in_world w, in_talk t) {
  coppice::chat::chat c;
  t->epoch = c.read([](const chat_table& table) { return table.epoch(); });
  start_result<umbrella> top = co_await start<umbrella>(c);
  t->safe = {me.id(), *top->resolve()};
  const int count = w->choices().between(2, 3);
  for (int n = 0; n < count; ++n) t->users.push_back(fmt::format("user{}", n));
  for (const std::string& user : t->users) co_await take_part(t, user);
  std::vector<pid> to_end{spawn(&reaper, t)};
  std::vector<pid> writers;
  for (const std::string& user : t->users) {
    to_end.push_back(spawn(&reader, t, user));
    writers.push_back(spawn(&writer, t, user));
  }
  t->safe.insert(to_end.begin(), to_end.end());
  t->safe.insert(writers.begin(), writers.end());
  for (pid p : writers) co_await end_of(me, p);
  w->calm();
  co_await until_complete(t);
  for (pid p : to_end) {
    send(p, over());
    co_await end_of(me, p);
  }
  std::expected<ok, exit_reason> ended = co_await stop(top->name(), exit_reason::shutdown());
  w->expect(ended.has_value(), "the server does not shut down in order");
}

} // namespace

void play_chat(world& w) {
  talk t(w);
  w.run(&chat_main, in_talk(t));
  w.settle(); // what is left must end while the talk is there
}

std::vector<scenario> all_scenarios() {
  std::vector<scenario> all(scenarios().begin(), scenarios().end());
  all.push_back(
      {"chat",
       "every accepted message reaches all once, in order of its sender, who learns of it; kills heal",
       &play_chat});
  all.push_back(
      {"messaging",
       "what a client was told is safe is in both archives once; kills, ends of the program, disk faults",
       &play_messaging});
  all.push_back(
      {"distribution",
       "two nodes, cuts of either direction: ties tell once, order holds, calls end, nothing is left",
       &play_distribution});
  return all;
}

} // namespace coppice::sim
