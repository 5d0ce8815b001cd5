#include "servers/chat/shell/session.hpp"

#include "coppice/otp/supervisor.hpp"

#include <algorithm>

namespace coppice::chat {
namespace {

/// Events that a connection gets before it has said that it took them: less than 1 MiB of text.
constexpr std::size_t batch = 32;
constexpr duration idle_for_long = std::chrono::minutes(1);

std::string session_name(std::string_view user) { return "session:" + std::string(user); }

process wake_session(self /*me*/, std::string user) {
  std::optional<pid> found = co_await find_session(std::move(user));
  static_cast<void>(found); // it reads the mailbox by itself
}

} // namespace

std::optional<pid> session_of(std::string_view user) {
  const std::optional<atom> name = atom::existing(session_name(user));
  return name ? whereis(*name) : std::nullopt;
}

task<std::optional<pid>> find_session(std::string user) {
  std::optional<pid> found = session_of(user);
  if (found) co_return found;
  std::expected<pid, child_error> started = co_await start_child("session_sup", user);
  // Somebody else may have been quicker, then the start was ignored.
  co_return session_of(user);
}

void tell_session(const std::string& user, const event_ptr& e) {
  if (std::optional<pid> s = session_of(user)) {
    cast<new_events>(server_ref<session>(*s), event_range{e->seq - 1, e->seq, {e}});
  } else {
    spawn(&wake_session, user);
  }
}

init_result session::init() {
  const auto name = atom::from_peer(session_name(user_));
  if (!name || !register_name(*name, self_pid())) return init_result::ignore();
  numbering_ = chat_.read([](const chat_table& t) { return t.numbering(); });
  handle_cast(catch_up());
  return init_result().timeout(idle_for_long);
}

void session::load_above(std::uint64_t seq) {
  window_.add(chat_.read([&](const chat_table& t) { return t.events_after(user_, seq); }));
}

result<> session::handle_cast(catch_up /*m*/) {
  const auto box = chat_.read([&](const chat_table& t) { return t.state_of(user_); });
  if (box) acked_ = std::max(acked_, box->acked);
  load_above(window_.is_known() ? window_.last() : acked_);
  trim();
  push_all();
  return rest();
}

result<ok> session::handle_call(attach m) {
  if (auto known = devices_.find(m.connection); known != devices_.end()) demonitor(known->second.monitor);
  if (m.after < window_.after()) load_above(m.after);
  device& d = devices_[m.connection] = device{monitor(m.connection), m.after};
  push(m.connection, d);
  return ok();
}

result<> session::handle_cast(took m) {
  if (auto d = devices_.find(m.connection); d != devices_.end()) {
    d->second.busy = false;
    push(d->first, d->second);
  }
  trim();
  return rest();
}

result<> session::handle_cast(const new_events& m) {
  // News of a room come by way of its process, so they may overtake or be overtaken.
  if (m.range.events.front()->numbering != numbering_) return rest();
  if (window_.add(m.range) == event_window::merge::gap) load_above(window_.last());
  push_all();
  return rest();
}

result<> session::handle_cast(events_acked m) {
  acked_ = std::max(acked_, m.seq);
  trim();
  return rest();
}

result<> session::handle_cast(const room_news& m) {
  pass_on(m);
  return rest();
}

result<> session::handle_cast(const left_news& m) {
  pass_on(m);
  return rest();
}

result<> session::handle_cast(renumbered m) {
  pass_on(m);
  return result<>().stop();
}

result<> session::handle_info(const down& m) {
  devices_.erase(m.process);
  trim();
  return rest();
}

result<> session::handle_timeout() { return result<>().stop(); }

void session::push(pid connection, device& d) {
  if (d.busy) return;
  std::vector<event_ptr> events = window_.above(d.sent, batch);
  if (events.empty()) return;
  d.sent = events.back()->seq;
  d.busy = true;
  send(connection, deliver{self_pid(), std::move(events)});
}

void session::push_all() {
  for (auto& [connection, d] : devices_) push(connection, d);
}

void session::trim() {
  std::uint64_t done = acked_;
  for (const auto& [connection, d] : devices_) done = std::min(done, d.sent);
  window_.forget(done);
}

template <class News>
void session::pass_on(const News& news) {
  for (const auto& [connection, d] : devices_) send(connection, News(news));
}

result<> session::rest() const {
  if (!devices_.empty() || !window_.empty()) return {};
  return result<>().timeout(idle_for_long);
}

term session::state() const {
  const auto count = [](std::size_t n) { return term(static_cast<std::int64_t>(n)); };
  return term::tuple(atom("session"), user_, term::tuple(atom("acked"), count(acked_)),
                     term::tuple(atom("waiting"), count(window_.above(acked_).size())),
                     term::tuple(atom("connections"), count(devices_.size())));
}

} // namespace coppice::chat
