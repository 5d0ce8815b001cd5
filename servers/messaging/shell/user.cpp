#include "servers/messaging/shell/user.hpp"

#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/messaging/shell/on_demand.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/pep.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>

namespace coppice::messaging {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

constexpr duration idle_for_long = std::chrono::seconds(30);
/// Bytes that a client without stream management may leave unread.
constexpr std::uint64_t most_unwritten = std::uint64_t{8} << 20;
constexpr std::size_t longest_resource = 256;

std::string process_name(std::string_view name) { return "user:" + std::string(name); }

/// What is read when the user's process begins.
struct account_and_roster {
  bool exists = false;
  storage::stored_roster roster;
  block_list blocked;
  archive_preferences archiving;
  storage::stored_account nodes;
};
account_and_roster load(store::transaction& t, const std::string& owner) {
  account_and_roster all;
  all.exists = storage::has_account(t, owner);
  if (!all.exists) return all;
  all.roster = storage::load_roster(t, owner);
  all.blocked = storage::load_block_list(t, owner);
  all.archiving = storage::load_archive_preferences(t, owner).value_or(archive_preferences());
  all.nodes = storage::load_account_nodes(t, owner);
  return all;
}

} // namespace

// --- finding it ---

std::optional<pid> user_process(std::string_view name) { return running(process_name(name)); }

task<std::optional<pid>> find_user_process(std::string name) {
  std::string process = process_name(name);
  co_return co_await find_or_start(std::move(process), atom("user_sup"), std::move(name));
}

// --- beginning ---

init_result user::init() {
  const auto process = atom::from_peer(process_name(name_));
  if (!process || !register_name(*process, self_pid())) return init_result::ignore();
  state_ = host_.state_of(name_);
  for (auto& [number, s] : state_->sessions) { // of a predecessor: its streams will ask for us
    if (s.stream) watched_[s.stream] = monitor(s.stream);
  }
  // What is asked of us waits in the mailbox until the database has answered.
  return init_result().then(atom("load"));
}

task<> user::handle_continue(const term& /*what*/) {
  if (state_->loaded) {
    for (const auto& [number, s] : state_->sessions) { // timers have died with the predecessor
      if (!s.lost_at) continue;
      send_after(host_.how().resumption_time, self_pid(), resumption_over{s.number, s.resume_id});
    }
    co_await take_over();
    co_await probe_again();
    flush();
    co_return;
  }
  co_await load_account();
}

task<> user::load_account() {
  auto work = [owner = bare().text()](store::transaction& t) { return load(t, owner); };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) throw std::runtime_error("the database cannot be read: " + found.error().text);
  state_->loaded = true;
  state_->exists = found->exists;
  state_->roster.clear();
  for (roster_item& item : found->roster.items) state_->roster.emplace(item.contact, std::move(item));
  state_->roster_version = found->roster.version;
  state_->oldest_roster_version = found->roster.oldest;
  state_->blocked = std::move(found->blocked);
  state_->archiving = std::move(found->archiving);
  state_->nodes = pubsub::account(bare(), std::move(found->nodes.nodes));
  state_->node_bytes = found->nodes.bytes;
  state_->avatar = std::move(found->nodes.avatar);
}

session* user::find(std::uint64_t number) {
  const auto found = state_->sessions.find(number);
  return found == state_->sessions.end() ? nullptr : &found->second;
}

session* user::of_resource(std::string_view resource) {
  for (auto& [number, s] : state_->sessions) {
    if (s.address.resource() == resource) return &s;
  }
  return nullptr;
}

// --- sessions ---

task<user::opened_or_not> user::handle_call(open_session m) {
  if (!state_->exists) co_return std::unexpected(stanza_error{condition::not_authorized, "", ""});
  if (m.resource.size() > longest_resource) {
    co_return std::unexpected(stanza_error{condition::bad_request, "The resource is too long."});
  }
  const std::string resource = m.resource.empty() ? unguessable() : m.resource;
  const auto address = bare().with_resource(resource);
  if (!address) co_return std::unexpected(stanza_error{condition::bad_request, address.error()});
  // Who comes by the same name takes the other's place (RFC 6120, 7.7.2.2).
  if (const session* other = of_resource(address->resource())) {
    co_await end(other->number, "conflict", "Another client has taken this resource.");
  }
  if (state_->sessions.size() >= host_.how().sessions_per_user) {
    co_return std::unexpected(stanza_error{condition::resource_constraint, "Too many clients at once."});
  }
  const std::uint64_t number = ++state_->last_session;
  session& s = state_->sessions[number];
  s.number = number;
  s.address = *address;
  attach(s, m.stream, m.frames);
  flush();
  co_return session_opened{number, *address};
}

task<user::resumed_or_not> user::handle_call(resume_session m) {
  session* found = nullptr;
  for (auto& [number, s] : state_->sessions) {
    if (!s.resume_id.empty() && s.resume_id == m.previous) found = &s;
  }
  if (found == nullptr || m.previous.empty()) co_return std::unexpected(condition::item_not_found);
  forget_begun(*found);
  // What the client sends again must not be handled twice: first all that it has sent is to be finished.
  if (found->in.open() > 0) co_return std::unexpected(condition::unexpected_request);
  if (auto known = found->out.acknowledged(m.handled); !known) {
    co_return std::unexpected(condition::bad_request);
  }
  if (found->stream) send(found->stream, end_stream{"conflict", "The session goes on elsewhere."});
  detach(*found);
  attach(*found, m.stream, m.frames);
  write_unmanaged(*found, make_resumed(m.previous, found->in.count()));
  for (const unacknowledged& again : found->out.resumed()) put(*found, again.text);
  flush();
  co_return session_opened{found->number, found->address};
}

/// What a predecessor had begun when he died, and nobody else has: the stream that had it is gone, too, so it
/// is the client who sends it again.
void user::forget_begun(session& s) {
  if (!s.managed || s.begun != s.taken + 1) return;
  const bool goes_on = std::ranges::any_of(state_->waiting, [&s](const auto& one) {
    return one.second.session == s.number && one.second.number == s.begun_count;
  });
  if (!goes_on && s.in.take_back(s.begun_count)) s.begun = s.taken;
}

std::optional<stream_attached> user::handle_call(const attach_stream& m) {
  session* s = find(m.session);
  if (s == nullptr || s->stream != m.stream) return std::nullopt;
  return stream_attached{s->taken};
}

void user::attach(session& s, pid stream, framing frames) {
  s.stream = stream;
  s.frames = frames;
  s.taken = s.credited = s.unwritten = s.begun = 0; // elements are numbered anew
  s.lost_at.reset();
  s.owes_ack = false;
  if (!watched_.contains(stream)) watched_[stream] = monitor(stream);
}

void user::detach(session& s) {
  if (auto known = watched_.find(s.stream); known != watched_.end()) {
    demonitor(known->second);
    watched_.erase(known);
  }
  s.stream = pid();
  s.text.clear();
  s.ends.clear();
}

task<result<>> user::handle_cast(stream_over m) {
  session* s = find(m.session);
  if (s == nullptr || s->stream != m.stream) co_return rest();
  if (m.closed || s->resume_id.empty()) {
    co_await end(m.session, "", "");
  } else {
    detach(*s);
    s->lost_at = now();
    send_after(host_.how().resumption_time, self_pid(), resumption_over{s->number, s->resume_id});
  }
  flush();
  co_return rest();
}

task<result<>> user::handle_info(resumption_over m) {
  const session* s = find(m.session);
  const bool waits = s != nullptr && s->lost_at && s->resume_id == m.resume_id;
  if (waits && now() - *s->lost_at >= host_.how().resumption_time) co_await end(m.session, "", "");
  flush();
  co_return rest();
}

task<result<>> user::handle_cast(kick m) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, s] : state_->sessions) {
    const bool meant = m.resource.empty() || s.address.resource() == m.resource;
    if (meant && (m.except.empty() || s.address.resource() != m.except)) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) co_await end(number, m.condition, m.text);
  flush();
  co_return rest();
}

task<> user::end(std::uint64_t number, std::string condition, std::string text) {
  session* s = find(number);
  if (s->stream) {
    flush();
    send(s->stream, end_stream{std::move(condition), std::move(text)});
  }
  detach(*s);
  std::vector<unacknowledged> undelivered = s->out.take();
  if (s->is_available() || !s->directed.empty()) {
    xml::element gone = make_stanza("presence", s->address.text(), "", "unavailable");
    co_await become_unavailable(s, std::move(gone));
  }
  session last = std::move(*s);
  state_->sessions.erase(number);
  for (unacknowledged& one : undelivered) co_await deliver_again(std::move(one.text));
}

task<result<>> user::handle_info(down m) {
  watched_.erase(m.process);
  if (m.process == presence_events_) lose_presence_events();
  for (auto& [number, s] : state_->sessions) {
    if (s.stream != m.process) continue;
    const stream_over over{m.process, number, false};
    result<> next = co_await handle_cast(over);
    co_return std::move(next);
  }
  co_await send_again_to(m.process);
  flush();
  co_return rest();
}

result<> user::handle_timeout() {
  host_.forget(name_);
  return result<>().stop();
}

result<> user::rest() {
  if (!state_->sessions.empty() || !state_->waiting.empty()) return {};
  return result<>().timeout(idle_for_long);
}

// --- writing ---

void user::put(session& s, std::string_view text) {
  if (!s.stream) return;
  s.text += text;
  if (s.frames == framing::websocket) s.ends.push_back(s.text.size());
}

void user::write_unmanaged(session& s, const xml::element& e) {
  if (!s.stream) return;
  append_framed(s.text, s.frames, e);
  if (s.frames == framing::websocket) s.ends.push_back(s.text.size());
}

void user::write(session& s, const xml::element& e) {
  std::string text = framed(s.frames, e);
  if (!s.inactive) return write_text(s, std::move(text));
  for (std::string& due : s.unhurried.offer(std::move(text), news_of(e))) write_text(s, std::move(due));
}

void user::write_text(session& s, std::string text) {
  put(s, text);
  if (s.managed) s.out.push(std::move(text), host::now_utc());
}

void user::flush() {
  for (auto& [number, s] : state_->sessions) {
    if (!s.stream) continue;
    if (s.credited != s.taken) {
      s.credited = s.taken;
      send(s.stream, took_from_client{s.taken});
    }
    if (s.managed && s.out.size() > 0 && !s.out.awaits_answer()) { // so that nothing is unsure for long
      s.out.asked();
      write_unmanaged(s, make_ack_request());
    }
    if (s.text.empty()) continue;
    s.unwritten += s.text.size();
    send(s.stream, to_client{std::exchange(s.text, {}), std::exchange(s.ends, {})});
    if (s.unwritten > most_unwritten || !s.out.has_room(0)) {
      cast<kick>(server_ref<user>(server_name(self_pid())), std::string(s.address.resource()),
                 "resource-constraint", "The client reads too slowly.");
    }
  }
}

task<result<>> user::handle_cast(stream_wrote m) {
  session* s = find(m.session);
  if (s != nullptr) {
    s->unwritten -= std::min(s->unwritten, m.bytes);
    if (s->awaits_offline) co_await give_offline(s);
    flush();
  }
  co_return rest();
}

term user::state() const {
  const auto count = [](std::size_t n) { return term(static_cast<std::int64_t>(n)); };
  return term::tuple(atom("user"), name_, term::tuple(atom("sessions"), count(state_->sessions.size())),
                     term::tuple(atom("contacts"), count(state_->roster.size())),
                     term::tuple(atom("unfinished"), count(state_->waiting.size())));
}

} // namespace coppice::messaging
