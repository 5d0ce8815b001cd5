#include "servers/messaging/shell/messaging_server.hpp"

#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/xmpp/namespaces.hpp"

namespace coppice::messaging {
namespace {

/// Messages on their way at once.
constexpr std::size_t most_open = 1'000;
constexpr std::size_t usual_page = 100;

} // namespace

// --- sending ---

task<> messaging_server::handle_call(send_message m, reply_to<done_or_not> who) {
  const auto refuse = [&who](problem why) { who.reply(error{why}); };
  const std::optional<xmpp::jid> from = user_address(host_, m.from);
  const std::optional<xmpp::jid> to = user_address(host_, m.to);
  if (!from) co_return refuse(problem::no_user);
  if (!to) co_return refuse(problem::no_receiver);
  if (m.text.size() > longest_text) co_return refuse(problem::too_long);
  if (open_.size() >= most_open) co_return refuse(problem::unavailable);
  auto work = [a = std::string(from->bare_text()), b = std::string(to->bare_text())](store::transaction& t) {
    return std::pair(storage::has_account(t, a), storage::has_account(t, b));
  };
  auto known = co_await host_.db().read(std::move(work));
  if (!known) co_return refuse(problem::unavailable);
  if (!known->first) co_return refuse(problem::no_user);
  if (!known->second) co_return refuse(problem::no_receiver);
  xml::element stanza = xmpp::make_stanza("message", from->bare_text(), to->text(), "chat");
  stanza.set("id", unguessable());
  stanza.add(xml::element(xmpp::ns::client, "body").add_text(m.text));
  const std::uint64_t token = ++last_token_;
  message& open = open_[token];
  open.who = std::move(who);
  open.stanza = std::make_shared<const xml::element>(std::move(stanza));
  open.user = from->local();
  open.id = host_.next_id();
  co_await give(token);
}

task<> messaging_server::give(std::uint64_t token) {
  std::optional<pid> there = co_await find_user_process(open_[token].user);
  if (!there) co_return answer(token, error{problem::unavailable});
  message& open = open_[token];
  open.process = *there;
  if (!watched_.contains(*there)) watched_[*there] = monitor(*there);
  send(*there, speak{open.stanza, self_pid(), token, open.id});
}

void messaging_server::answer(std::uint64_t token, done_or_not what) {
  const auto found = open_.find(token);
  if (found == open_.end()) return;
  message over = std::move(found->second);
  open_.erase(found);
  over.who.reply(what);
  const bool needed =
      std::ranges::any_of(open_, [&over](const auto& other) { return other.second.process == over.process; });
  if (const auto watch = watched_.find(over.process); !needed && watch != watched_.end()) {
    demonitor(watch->second, true);
    watched_.erase(watch);
  }
}

void messaging_server::handle_info(const accepted& m) { answer(m.token, ok()); }
void messaging_server::handle_info(const not_spoken& m) { answer(m.token, error{problem::not_allowed}); }

/// The next process of that user gets it again; the same message is not kept or delivered twice.
task<> messaging_server::handle_info(down m) {
  watched_.erase(m.process);
  std::vector<std::uint64_t> again;
  for (const auto& [token, open] : open_) {
    if (open.process == m.process) again.push_back(token);
  }
  for (const std::uint64_t token : again) co_await give(token);
}

// --- asking ---

task<messaging_server::messages_or_not> messaging_server::handle_call(get_messages m) {
  co_return co_await find_messages(host_, std::move(m.user), inbox::archive, 0, usual_page);
}
task<messaging_server::messages_or_not> messaging_server::handle_call(get_unread m) {
  co_return co_await find_messages(host_, std::move(m.user), inbox::unread, 0, longest_page);
}
task<messaging_server::messages_or_not> messaging_server::handle_call(get_archive m) {
  co_return co_await find_messages(host_, std::move(m.user), inbox::archive, m.before, m.most);
}
task<std::vector<session_facts>> messaging_server::handle_call(get_sessions m) {
  const std::optional<xmpp::jid> who = user_address(host_, m.user);
  std::string name(who ? who->local() : std::string_view());
  co_return co_await sessions_of(std::move(name));
}
task<messaging_server::rooms_or_not> messaging_server::handle_call(get_rooms /*m*/) {
  co_return co_await find_rooms(host_, "", longest_page);
}
task<messaging_server::number_or_not> messaging_server::handle_call(kick_address m) {
  co_return co_await end_sessions(host_, std::move(m.address));
}

term messaging_server::state() const {
  return term::tuple(atom("messaging_server"),
                     term::tuple(atom("unfinished"), static_cast<std::int64_t>(open_.size())));
}

} // namespace coppice::messaging
