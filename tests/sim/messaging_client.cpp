#include "tests/sim/messaging_client.hpp"

#include "servers/xmpp/namespaces.hpp"

#include "coppice/runtime/timer.hpp"
#include "servers/xmpp/stream_management.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace coppice::sim {
namespace {

using namespace std::chrono_literals;
using namespace messaging;
namespace ns = xmpp::ns;

/// Time to look for the user's process again.
struct look_again {};

constexpr duration short_wait = 20ms;
constexpr duration patience = 30s;

std::uint32_t number_in(const xml::element& e, std::string_view name) {
  const std::string text(e.get(name));
  std::uint32_t n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

} // namespace

/// A client, which outlives its connections.
class messaging_client {
public:
  messaging_client(in_conversation c, std::string user) : c_(c), user_(std::move(user)) {
    plan();
    ++c_->writing;
  }

  /// Whether another connection is to follow.
  task<bool> run(self me) {
    me_.emplace(me);
    while (!c_->over) {
      const bool connected = static_cast<bool>(user_process_);
      if (connected) {
        write_one();
        bool goes_on = co_await hear();
        report_progress();
        if (!goes_on) co_return true;
      } else {
        co_await connect();
      }
    }
    if (user_process_) {
      cast<stream_over>(server_ref<user>(server_name(user_process_)), me.id(), session_, true);
      disconnect();
    }
    co_return false;
  }

private:
  using unsent = std::pair<std::string, xml::element>; ///< id, stanza

  void plan() {
    random& choices = c_->in.choices();
    const int count = choices.between(1, 5);
    for (int n = 0; n < count; ++n) {
      const std::string& to = c_->users[choices.below(c_->users.size())];
      if (to == user_) continue;
      const std::string id = fmt::format("{}-says-something-{}", user_, n);
      xml::element m(ns::client, "message");
      m.set("to", to + "@sim").set("id", id).set("type", "chat");
      m.add(xml::element(ns::client, "body").add_text(std::to_string(n)));
      c_->to[{user_, id}] = to;
      unwritten_.emplace_back(id, std::move(m));
    }
  }

  // --- the connection ---

  task<> connect() {
    if (life_ != c_->life) resume_id_.clear(); // nobody knows of it any more
    std::optional<pid> there = co_await find_user_process(user_);
    bool well = false;
    if (there && !resume_id_.empty()) {
      bool resumed = co_await resume(*there);
      well = resumed;
    } else if (there) {
      bool opened = co_await open(*there);
      well = opened;
    }
    if (!well) co_await idle_for(short_wait);
  }

  task<bool> open(pid there) {
    const server_ref<user> ref{server_name(there)};
    auto opened = co_await try_call<open_session>(ref, within(patience), me_->id(), std::string("sim"),
                                                  xmpp::framing::tcp);
    if (!opened || !*opened) co_return false;
    begin(there, (**opened).session);
    sent_ = acknowledged_ = handled_ = 0;
    heard_.clear(); // what the server does not know to be here may come again
    xml::element enable(ns::stream_management, "enable");
    say(std::move(enable.set("resume", "true")));
    for (auto one = unacknowledged_.rbegin(); one != unacknowledged_.rend(); ++one) {
      if (!one->first.empty()) c_->said[{user_, one->first}] = conversation::said_again;
      unwritten_.push_front(std::move(*one)); // for what it knows they have not come
    }
    unacknowledged_.clear();
    say_stanza({"", xml::element(ns::client, "presence")});
    co_return true;
  }

  task<bool> resume(pid there) {
    const server_ref<user> ref{server_name(there)};
    auto resumed = co_await try_call<resume_session>(ref, within(patience), me_->id(), resume_id_, handled_,
                                                     xmpp::framing::tcp);
    if (!resumed) co_return false;
    if (!*resumed) { // lost, or not ready yet
      if (resumed->error() != xmpp::condition::unexpected_request) resume_id_.clear();
      co_return false;
    }
    begin(there, (**resumed).session);
    co_return true;
  }

  void begin(pid there, std::uint64_t session) {
    life_ = c_->life;
    user_process_ = there;
    watch_ = monitor(there);
    session_ = session;
    number_ = 0;
    ready_ = resume_id_.empty(); // else it has to hear first what the server has
    waiting_.clear();
    parser_.emplace();
    (void)parser_->feed(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
  }

  /// As a stream's process does when the user's was started anew.
  task<> attach() {
    std::optional<pid> there = co_await find_user_process(user_);
    std::expected<std::optional<stream_attached>, exit_reason> attached =
        std::unexpected(exit_reason::normal());
    if (there) {
      const server_ref<user> ref{server_name(*there)};
      auto answer = co_await try_call<attach_stream>(ref, within(patience), me_->id(), session_);
      attached = answer;
    }
    if (!attached) {
      send_after(short_wait, me_->id(), look_again());
      co_return;
    }
    if (!*attached) { // the stream would be closed: `reset`
      disconnect();
      co_return;
    }
    user_process_ = *there;
    watch_ = monitor(*there);
    took((*attached)->taken);
    for (const from_client& again : waiting_) {
      cast<from_client>(server_ref<user>(server_name(*there)), from_client(again));
    }
  }

  void disconnect() {
    if (user_process_) demonitor(watch_, true);
    user_process_ = pid();
    session_ = 0;
  }

  // --- what it says ---

  void say(xml::element e) {
    from_client next{session_, ++number_, std::make_shared<const xml::element>(std::move(e))};
    waiting_.push_back(next);
    cast<from_client>(server_ref<user>(server_name(user_process_)), std::move(next));
  }
  void say_stanza(unsent one) {
    xml::element copy = one.second;
    unacknowledged_.push_back(std::move(one));
    ++sent_;
    say(std::move(copy));
  }
  void write_one() {
    if (unwritten_.empty() || !ready_ || !c_->in.choices().chance(500)) return;
    unsent next = std::move(unwritten_.front());
    unwritten_.pop_front();
    c_->said.try_emplace({user_, next.first}, c_->life);
    say_stanza(std::move(next));
    say(xml::element(ns::stream_management, "r"));
  }
  void took(std::uint64_t number) {
    while (!waiting_.empty() && waiting_.front().number <= number) waiting_.pop_front();
  }

  // --- what it hears ---

  /// False: the connection is over.
  task<bool> hear() {
    auto got = co_await me_->receive<to_client, took_from_client, end_stream, down, look_again>(short_wait);
    if (life_ != c_->life || (!got && c_->in.choices().chance(30))) {
      disconnect(); // the program has died, or it is cut
      co_return false;
    }
    if (!got) co_return true;
    if (auto* text = std::get_if<to_client>(&*got)) {
      (void)parser_->feed(text->text);
      while (auto event = parser_->next()) {
        if (const auto* e = std::get_if<xml::element>(&*event)) take(*e);
      }
    } else if (auto* number = std::get_if<took_from_client>(&*got)) {
      took(number->number);
    } else if (auto* gone = std::get_if<down>(&*got)) {
      if (gone->ref == watch_) co_await attach();
    } else if (std::holds_alternative<look_again>(*got)) {
      co_await attach();
    } else {
      disconnect();
    }
    co_return static_cast<bool>(user_process_);
  }

  void take(const xml::element& e) {
    if (e.is(ns::stream_management, "enabled")) {
      resume_id_ = e.get("id");
    } else if (e.is(ns::stream_management, "a") || e.is(ns::stream_management, "resumed")) {
      acknowledge(number_in(e, "h"));
      if (e.name() == "resumed") {
        ready_ = true;
        send_again();
      }
    } else if (e.is(ns::stream_management, "r")) {
      xml::element answer(ns::stream_management, "a");
      say(std::move(answer.set("h", std::to_string(handled_))));
    } else if (e.ns() == ns::client) {
      ++handled_;
      if (e.name() != "message") return;
      if (e.get("type") == "error") {
        c_->returned.emplace(user_, e.get("id"));
      } else {
        note(std::string(e.get("id")), std::string(e.get("from")));
      }
    }
  }
  void acknowledge(std::uint32_t h) {
    c_->in.expect(h <= sent_, "more is acknowledged than was sent");
    for (; acknowledged_ < h && !unacknowledged_.empty(); ++acknowledged_) {
      if (!unacknowledged_.front().first.empty()) {
        c_->acknowledged.emplace(user_, unacknowledged_.front().first);
      }
      unacknowledged_.pop_front();
    }
  }
  void send_again() {
    sent_ -= static_cast<std::uint32_t>(unacknowledged_.size());
    std::deque<unsent> again = std::exchange(unacknowledged_, {});
    for (unsent& one : again) say_stanza(std::move(one));
    say(xml::element(ns::stream_management, "r"));
  }
  /// Within a session nothing comes twice that was said once.
  void note(const std::string& id, const std::string& from) {
    const std::string sender = from.substr(0, from.find('@'));
    const auto first = c_->said.find({sender, id});
    c_->in.expect(first != c_->said.end(), "something has come that nobody has said");
    const bool fresh = heard_.emplace(sender, id).second;
    if (first != c_->said.end() && first->second == c_->life) c_->in.expect(fresh, "a message came twice");
  }

  void report_progress() {
    const bool done = unwritten_.empty() && std::ranges::all_of(unacknowledged_, [](const unsent& one) {
                        return one.first.empty();
                      });
    if (done == done_) return;
    done_ = done;
    c_->writing += done ? -1 : 1;
  }

  std::optional<self> me_; ///< the process of the connection
  in_conversation c_;
  std::string user_;
  std::deque<unsent> unwritten_;
  std::deque<unsent> unacknowledged_; ///< in order
  std::uint32_t sent_ = 0;            ///< since <enable/>
  std::uint32_t acknowledged_ = 0;    ///< of these
  std::uint32_t handled_ = 0;         ///< of the server's
  std::string resume_id_;
  pid user_process_;
  reference watch_;
  std::uint64_t session_ = 0;
  std::uint64_t number_ = 0;
  std::deque<from_client> waiting_;
  std::optional<xml::stream_parser> parser_;
  std::set<std::pair<std::string, std::string>> heard_; ///< in this session: by whom, the id
  bool ready_ = false;                                  ///< to say more
  bool done_ = false;
  int life_ = 0; ///< of the program that knows the session
};

process messaging_connection(self me, in_conversation c, std::string user) {
  const std::shared_ptr<messaging_client> client = c->clients.at(user);
  bool another = co_await client->run(me);
  if (another) {
    c->safe.insert(spawn(&messaging_connection, c, std::move(user)));
  } else {
    ++c->at_home;
  }
}

void add_messaging_client(in_conversation c, const std::string& user) {
  c->clients.emplace(user, std::make_shared<messaging_client>(c, user));
  c->safe.insert(spawn(&messaging_connection, c, user));
}

} // namespace coppice::sim
