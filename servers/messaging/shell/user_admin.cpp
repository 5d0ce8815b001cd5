// What an administrator does to a user, or in his name.
#include "servers/messaging/shell/user.hpp"
#include "servers/xmpp/message_rules.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

result<std::vector<session_facts>> user::handle_call(const list_sessions& /*m*/) {
  std::vector<session_facts> all;
  for (const auto& [number, s] : state_->sessions) {
    session_facts facts;
    facts.address = s.address.text();
    facts.transport = s.frames == framing::websocket ? "websocket" : "tcp";
    facts.connected = static_cast<bool>(s.stream);
    facts.available = s.is_available();
    facts.priority = s.priority;
    all.push_back(std::move(facts));
  }
  result<std::vector<session_facts>> answer(std::move(all));
  answer.next() = rest().next();
  return answer;
}

task<result<>> user::handle_cast(account_changed /*m*/) {
  co_await load_account();
  if (!state_->exists) {
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, s] : state_->sessions) numbers.push_back(number);
    for (const std::uint64_t number : numbers) {
      co_await end(number, "not-authorized", "The account was removed.");
    }
  }
  flush();
  co_return rest();
}

/// As from one of his clients, but that none of them has it yet.
task<result<>> user::handle_info(speak m) {
  const jid to = jid::parse(m.stanza->get("to")).value_or(jid());
  if (!state_->exists || !judge_outgoing(state_->blocked, bare(), to, *m.stanza).passes) {
    send(m.from, not_spoken{m.token});
    co_return rest();
  }
  const message_traits traits = traits_of(*m.stanza);
  const std::uint64_t token = ++state_->last_token;
  unfinished& open = state_->waiting[token];
  open.from = m.from;
  open.token = m.token;
  open.id = m.id;
  open.stanza = m.stanza;
  open.open = 1;
  if (traits.archived && to.bare_text() != bare().text() && archives_with(to)) {
    auto job = std::make_shared<keep_job>();
    job->owner = bare().text();
    job->archive = archived_as(open.id, to, *open.stanza);
    open.job = std::move(job);
    ++open.open;
    keep_it(token, open);
  }
  const session none;
  copy_to_others(none, traits, open);
  co_await route(m.stanza, token, m.id);
  flush();
  co_return rest();
}

} // namespace coppice::messaging
