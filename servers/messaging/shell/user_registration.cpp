// What a user does to his own account. XEP-0077, 3.2 and 3.3.
#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/xmpp/registration.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

task<xml::element> user::answer_registration(session* s, xml::element iq) {
  using kind = registration_request::kind;
  if (!host_.how().registration.own_account) co_return refused(iq, condition::service_unavailable);
  const auto wish = parse_registration(iq);
  if (!wish) co_return error_reply(iq, wish.error());
  if (wish->wants == kind::ask) co_return registered_as(iq, name_);
  if (wish->wants == kind::remove) {
    auto gone = co_await remove_user(host_, name_); // the news of it comes back to us, and ends the sessions
    if (std::holds_alternative<error>(gone)) co_return unavailable(iq);
    co_return result_reply(iq);
  }
  const auto named = jid::of(wish->user, host_.domain());
  if (!named || *named != bare()) co_return refused(iq, condition::not_allowed);
  std::string keeps(s->address.resource());
  auto changed = co_await set_password(host_, name_, wish->password, std::move(keeps));
  const auto* why = std::get_if<error>(&changed);
  if (why == nullptr) co_return result_reply(iq);
  if (why->reason == problem::bad_password) co_return refused(iq, condition::not_acceptable);
  co_return unavailable(iq);
}

} // namespace coppice::messaging
