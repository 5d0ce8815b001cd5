// What comes to a user from others: to one of his clients, to some, or to wait for him.
#include "servers/messaging/shell/user.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/message_rules.hpp"
#include "servers/xmpp/namespaces.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

task<result<>> user::handle_info(deliver m) {
  if (is_blocked(m)) {
    flush();
    co_return rest();
  }
  switch (kind_of(*m.stanza)) {
  case stanza_kind::message: co_await take_message_for(std::move(m)); break;
  case stanza_kind::presence: co_await take_presence_from(std::move(m.stanza)); break;
  case stanza_kind::iq: co_await take_iq_for(std::move(m.stanza)); break;
  case stanza_kind::none: break;
  }
  flush();
  co_return rest();
}

/// XEP-0191: whoever is blocked finds nobody here.
bool user::is_blocked(const deliver& m) {
  if (state_->blocked.size() == 0) return false;
  const jid from = jid::parse(m.stanza->get("from")).value_or(jid());
  const block_verdict verdict = judge_incoming(state_->blocked, bare(), from, *m.stanza);
  if (verdict.passes) return false;
  if (verdict.answer) answer_error(*m.stanza, *verdict.answer);
  if (m.from) send(m.from, accepted{m.token});
  return true;
}

void user::answer_error(const xml::element& stanza, const stanza_error& why) {
  if (!may_be_answered(stanza)) return;
  xml::element reply = error_reply(stanza, why);
  const jid to = jid::parse(reply.get("to")).value_or(jid());
  if (to.bare_text() == bare().text()) {
    if (session* s = of_resource(to.resource())) write(*s, reply);
    return;
  }
  if (const std::optional<pid> there = user_process(to.local())) {
    send(*there, deliver{std::make_shared<const xml::element>(std::move(reply)), pid(), 0, 0});
  }
}

std::vector<message_target> user::targets() const {
  std::vector<message_target> all;
  all.reserve(state_->sessions.size());
  for (const auto& [number, s] : state_->sessions) {
    all.push_back({s.address.resource(), static_cast<std::int8_t>(s.priority), s.is_available(), s.carbons});
  }
  return all;
}

task<> user::take_message_for(deliver m) {
  if (!state_->exists) {
    answer_error(*m.stanza, {.is = condition::service_unavailable});
    if (m.from) send(m.from, accepted{m.token});
    co_return;
  }
  message_traits traits = traits_of(*m.stanza);
  const jid from = jid::parse(m.stanza->get("from")).value_or(jid());
  traits.archived = traits.archived && archives_with(from);
  const jid to = jid::parse(m.stanza->get("to")).value_or(jid());
  const message_delivery where = xmpp::deliver(traits, to.resource(), targets());
  const bool is_new = m.id == 0 || !state_->recent.seen(m.id);

  xml::element message = *m.stanza;
  remove_stanza_ids(message, bare().text());
  if (traits.archived) set_stanza_id(message, bare().text(), std::to_string(m.id));
  if (is_new) give(where, message);
  if (is_new && where.error) answer_error(*m.stanza, {.is = condition::service_unavailable});

  const std::uint64_t token = ++state_->last_token;
  unfinished& open = state_->waiting[token];
  open.from = m.from;
  open.token = m.token;
  open.open = 1;
  if (traits.archived || where.offline) {
    auto job = std::make_shared<keep_job>();
    job->owner = bare().text();
    if (traits.archived) job->archive = archived_as(m.id, from, message);
    if (where.offline) job->away = {m.id, host::now_utc(), message.to_string()};
    open.job = std::move(job);
    keep_it(token, open);
  } else {
    done(token);
  }
}

void user::give(const message_delivery& where, const xml::element& message) {
  std::size_t place = 0;
  for (auto& [number, s] : state_->sessions) {
    if (where.to.test(place)) write(s, message);
    if (where.carbons.test(place)) {
      write(s, make_carbon(carbon::received, bare().text(), s.address.text(), message));
    }
    ++place;
  }
}

/// A session is over before its client has acknowledged this: others of the user get it, or it waits.
task<> user::deliver_again(std::string text) {
  // As it was written, in the stream's namespace.
  auto read = xml::parse_element("<s xmlns='jabber:client'>" + text + "</s>");
  const xml::element* stanza = read ? read->first() : nullptr;
  if (stanza == nullptr) co_return;
  if (kind_of(*stanza) == stanza_kind::iq) {
    answer_error(*stanza, {.is = condition::service_unavailable});
    co_return;
  }
  if (kind_of(*stanza) != stanza_kind::message) co_return;
  if (stanza->child(ns::pubsub_event, "event") != nullptr) co_return; // whoever wants to know asks anew
  xml::element again = *stanza;
  add_delay(again, host_.domain(), host::now_utc());
  const message_traits traits = traits_of(again);
  const message_delivery where = xmpp::deliver(traits, "", targets());
  message_delivery direct = where;
  direct.carbons.reset(); // they had theirs
  give(direct, again);
  if (!where.offline) co_return;
  const std::uint64_t token = ++state_->last_token;
  unfinished& open = state_->waiting[token];
  auto job = std::make_shared<keep_job>();
  job->owner = bare().text();
  job->away = {host_.next_id(), host::now_utc(), again.to_string()};
  open.job = std::move(job);
  open.open = 1;
  keep_it(token, open);
}

/// Whether somebody may know that the client is there (RFC 6121, 8.5.3.1); to others it is as if it were not.
bool user::shares_presence(const session& s, const jid& with) const {
  if (with.bare_text() == bare().text() || with.local().empty() || with.domain() != host_.domain())
    return true;
  return seen_by(with) || s.directed.contains(with) || s.directed.contains(with.bare());
}

task<> user::take_iq_for(stanza_ptr stanza) {
  const jid to = jid::parse(stanza->get("to")).value_or(jid());
  session* s = to.is_bare() ? nullptr : of_resource(to.resource());
  const std::string_view type = stanza->get("type");
  const bool asks = type == "get" || type == "set";
  if (s != nullptr && (!asks || shares_presence(*s, jid::parse(stanza->get("from")).value_or(jid())))) {
    write(*s, *stanza);
    co_return;
  }
  if (!asks) co_return;
  if (!to.is_bare() || !state_->exists) {
    answer_error(*stanza, {.is = condition::service_unavailable});
    co_return;
  }
  xml::element reply = co_await answer_stranger(*stanza);
  const jid from = jid::parse(reply.get("to")).value_or(jid());
  if (const std::optional<pid> there = user_process(from.local())) {
    send(*there, deliver{std::make_shared<const xml::element>(std::move(reply)), pid(), 0, 0});
  }
}

} // namespace coppice::messaging
