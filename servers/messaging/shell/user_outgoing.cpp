// What a user's clients send: stream management, stanzas, and the way of messages to their receivers.
#include "servers/messaging/core/origin.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/message_rules.hpp"
#include "servers/xmpp/namespaces.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

/// After the database has refused, or the keeper was not there.
constexpr duration keep_again_after = std::chrono::milliseconds(200);

} // namespace

task<result<>> user::handle_cast(from_client m) {
  session* s = find(m.session);
  // What an earlier process of the user had done comes again when it died.
  if (s != nullptr && m.number == s->taken + 1) {
    co_await take(s, std::move(m.element));
    s = find(m.session); // it may have ended with that
    if (s != nullptr) s->taken = m.number;
  }
  flush();
  co_return rest();
}

task<> user::take(session* s, stanza_ptr element) {
  if (kind_of(*element) == stanza_kind::none) {
    bool known = co_await take_management(s, element);
    if (!known) co_await end(s->number, "unsupported-stanza-type", "");
    co_return;
  }
  if (s->begun != s->taken + 1) { // else it was begun when the process died
    s->begun = s->taken + 1;
    s->begun_id = host_.next_id();
    if (s->managed) s->begun_count = s->in.received();
  }
  xml::element stanza = *element;
  const auto from = stanza.find("from");
  if (from && *from != s->address.text() && *from != s->address.bare_text()) {
    co_await end(s->number, "invalid-from", "A client speaks for itself alone.");
    co_return;
  }
  stanza.set("from", s->address.text());
  co_await take_stanza(s, std::move(stanza));
}

// --- XEP-0198, XEP-0352 ---

task<bool> user::take_management(session* s, stanza_ptr e) {
  if (const auto active = parse_client_state(*e)) {
    s->inactive = !*active;
    for (std::string& due : s->unhurried.take()) write_text(*s, std::move(due));
    co_return true;
  }
  if (e->ns() != ns::stream_management) co_return false;
  if (e->name() == "r") {
    s->owes_ack = true;
    acknowledge_when_asked(*s);
  } else if (e->name() == "enable") {
    enable(*s, *e);
  } else if (const auto h = parse_ack(*e); h && s->managed) {
    if (auto well = s->out.acknowledged(*h); !well) {
      write_unmanaged(*s, stream_error_element("undefined-condition", "").add(to_element(well.error())));
      co_await end(s->number, "", "");
    } else if (s->awaits_offline) {
      co_await give_offline(s);
    }
  } else {
    co_return false;
  }
  co_return true;
}

void user::enable(session& s, const xml::element& e) {
  const auto wish = parse_enable(e);
  if (!wish || s.managed) {
    const condition why = wish ? condition::unexpected_request : wish.error();
    return write_unmanaged(s, make_failed(why));
  }
  s.managed = true;
  if (wish->resume) s.resume_id = unguessable();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(host_.how().resumption_time);
  write_unmanaged(s, make_enabled(s.resume_id, static_cast<std::uint32_t>(seconds.count())));
}

/// A stanza is acknowledged when it is safe, so the answer may have to wait.
void user::acknowledge_when_asked(session& s) {
  if (!s.owes_ack || !s.managed || s.in.open() > 0) return;
  s.owes_ack = false;
  write_unmanaged(s, make_ack(s.in.count()));
}

// --- stanzas ---

task<> user::take_stanza(session* s, xml::element stanza) {
  const std::uint64_t number = s->number;
  const std::uint32_t count = s->begun_count;
  const auto to = stanza.find("to");
  const auto address = jid::parse(to.value_or(bare().text()));
  const stanza_kind kind = kind_of(stanza);
  const block_verdict verdict =
      address ? judge_outgoing(state_->blocked, bare(), *address, stanza) : block_verdict{.passes = true};
  if (!address) {
    if (may_be_answered(stanza)) write(*s, error_reply(stanza, {.is = condition::jid_malformed}));
  } else if (!verdict.passes) {
    if (verdict.answer && may_be_answered(stanza)) write(*s, error_reply(stanza, *verdict.answer));
  } else if (kind == stanza_kind::message) {
    co_await take_message(s, std::move(stanza)); // finished when others say so
    co_return;
  } else if (kind == stanza_kind::presence) {
    co_await take_presence(s, std::move(stanza));
  } else if (is_sound_iq(stanza)) {
    co_await take_iq(s, std::move(stanza));
  } else if (may_be_answered(stanza)) {
    write(*s, error_reply(stanza, {.is = condition::bad_request}));
  }
  if (session* still = find(number); still != nullptr && still->managed) {
    still->in.handled(count);
    acknowledge_when_asked(*still);
  }
}

task<> user::take_message(session* s, xml::element stanza) {
  const message_traits traits = traits_of(stanza);
  if (stanza.get("to").empty()) stanza.set("to", bare().text()); // RFC 6120, 10.3.1
  const jid to = jid::parse(stanza.get("to")).value_or(jid());
  remove_stanza_ids(stanza, bare().text());
  const bool to_self = to.bare_text() == bare().text();

  // What a predecessor had begun with it when he died.
  std::erase_if(state_->waiting, [id = s->begun_id](const auto& one) {
    return one.second.session != 0 && one.second.id == id;
  });
  const std::uint64_t token = ++state_->last_token;
  unfinished& open = state_->waiting[token];
  open.session = s->managed ? s->number : 0;
  open.number = s->begun_count;
  open.id = s->begun_id;
  open.stanza = std::make_shared<const xml::element>(std::move(stanza));
  open.open = 1;
  if (traits.archived && !to_self && archives_with(to)) {
    auto job = std::make_shared<keep_job>();
    job->owner = bare().text();
    job->archive = archived_as(open.id, to, *open.stanza);
    open.job = std::move(job);
    ++open.open;
    keep_it(token, open);
  }
  copy_to_others(*s, traits, open);
  const stanza_ptr goes = open.stanza;
  co_await route(goes, token, open.id);
}

void user::copy_to_others(const session& from, const message_traits& traits, const unfinished& sent) {
  const std::vector<message_target> all = targets();
  const resource_set copies = copies_of_sent(traits, from.address.resource(), all);
  if (copies.none()) return;
  xml::element message = *sent.stanza;
  if (traits.archived) set_stanza_id(message, bare().text(), std::to_string(sent.id));
  std::size_t place = 0;
  for (auto& [number, s] : state_->sessions) {
    if (copies.test(place++)) write(s, make_carbon(carbon::sent, bare().text(), s.address.text(), message));
  }
}

bool user::archives_with(const jid& other) const {
  const auto known = state_->roster.find(other.bare());
  return state_->archiving.allows(other, known != state_->roster.end() && known->second.listed);
}

storage::archive_entry user::archived_as(std::int64_t id, const jid& with, const xml::element& message) {
  return {.id = id,
          .with_bare = std::string(with.bare_text()),
          .with_resource = std::string(with.resource()),
          .at = instant(instant::duration(id)), // ids are times
          .stanza = message.to_string(),
          .origin = origin_of(message).value_or("")};
}

// --- ways ---

task<> user::route(stanza_ptr stanza, std::uint64_t token, std::int64_t id) {
  const jid to = jid::parse(stanza->get("to")).value_or(jid());
  if (to.domain() == host_.rooms_domain()) {
    co_await route_to_room(std::move(stanza), token, id);
    co_return;
  }
  if (to.domain() != host_.domain()) {
    const bool uploads = to.domain() == host_.uploads_domain(); // it reads no messages either
    const condition why = uploads ? condition::service_unavailable : condition::remote_server_not_found;
    co_return send_back(*stanza, token, {.is = why});
  }
  if (to.local().empty()) { // the server itself reads no messages
    co_return send_back(*stanza, token, {.is = condition::service_unavailable});
  }
  std::optional<pid> there = co_await find_user_process(std::string(to.local()));
  if (!there) {
    co_return send_back(*stanza, token, {.is = condition::resource_constraint, .type = "wait"});
  }
  if (auto open = state_->waiting.find(token); open != state_->waiting.end()) {
    open->second.receiver = *there;
    watch(*there);
  }
  send(*there, deliver{std::move(stanza), self_pid(), token, id});
}

/// Nobody is to have it; also not whoever may have answered before he died.
void user::send_back(const xml::element& stanza, std::uint64_t token, const stanza_error& why) {
  if (const auto open = state_->waiting.find(token); open != state_->waiting.end()) {
    open->second.receiver = pid();
  }
  answer_error(stanza, why);
  done(token);
}

void user::watch(pid other) {
  if (other != self_pid() && !watched_.contains(other)) watched_[other] = monitor(other);
}

void user::keep_it(std::uint64_t token, const unfinished& what) {
  const std::optional<pid> there = whereis(atom("keeper"));
  if (!there) { // it is being started again
    send_after(keep_again_after, self_pid(), keep_again{token});
    return;
  }
  keeper_ = *there;
  watch(*there);
  cast<keep>(server_ref<keeper>(server_name(*there)), self_pid(), token, what.job);
}

/// Somebody died who had something of ours: the next one in his place gets it again.
task<> user::send_again_to(pid lost) {
  if (lost == keeper_) {
    for (const auto& [token, open] : state_->waiting) {
      if (open.job) keep_it(token, open);
    }
    co_return;
  }
  std::vector<std::pair<std::uint64_t, stanza_ptr>> again;
  for (auto& [token, open] : state_->waiting) {
    if (open.receiver == lost) again.emplace_back(token, open.stanza);
  }
  for (auto& [token, stanza] : again) {
    const std::int64_t id = state_->waiting[token].id;
    co_await route(std::move(stanza), token, id);
  }
}

/// A predecessor has died: what others owed him they owe us, and they are asked anew, which nobody minds.
task<> user::take_over() {
  std::vector<std::uint64_t> tokens;
  tokens.reserve(state_->waiting.size());
  for (const auto& [token, open] : state_->waiting) tokens.push_back(token);
  for (const std::uint64_t token : tokens) {
    const unfinished open = state_->waiting[token];
    if (open.job) keep_it(token, open);
    if (open.receiver) co_await route(open.stanza, token, open.id);
  }
}

result<> user::handle_info(const accepted& m) {
  // Whoever was asked again, because another died, may answer besides him: that counts once.
  const auto open = state_->waiting.find(m.token);
  if (open == state_->waiting.end() || !open->second.receiver) return rest();
  open->second.receiver = pid();
  done(m.token);
  flush();
  return rest();
}

task<result<>> user::handle_info(kept m) {
  const auto open = state_->waiting.find(m.token);
  if (open == state_->waiting.end() || !open->second.job) co_return rest(); // it was kept when it came before
  if (m.well) {
    const bool waits = open->second.job && open->second.job->away && !m.full;
    if (m.full) say_that_it_is_full(*open->second.job);
    open->second.job.reset();
    done(m.token);
    if (waits) co_await give_offline_to_who_came();
  } else {
    send_after(keep_again_after, self_pid(), keep_again{m.token});
  }
  flush();
  co_return rest();
}

/// Whoever sent it must know that it does not wait (RFC 6121, 8.5.2.2.1), unless it is found in the archive.
void user::say_that_it_is_full(const keep_job& job) {
  if (job.archive) return;
  const auto message = xml::parse_element(job.away->stanza, host_.how().limits);
  if (message)
    answer_error(*message, {condition::service_unavailable, "Too much waits for the user already."});
}

result<> user::handle_info(keep_again m) {
  const auto open = state_->waiting.find(m.token);
  if (open != state_->waiting.end() && open->second.job) keep_it(m.token, open->second);
  return rest();
}

void user::done(std::uint64_t token) {
  const auto found = state_->waiting.find(token);
  if (found == state_->waiting.end() || --found->second.open > 0) return;
  const unfinished over = std::move(found->second);
  state_->waiting.erase(found);
  if (over.from) send(over.from, accepted{over.token});
  if (session* s = find(over.session); s != nullptr && s->managed) {
    s->in.handled(over.number);
    acknowledge_when_asked(*s);
  }
}

} // namespace coppice::messaging
