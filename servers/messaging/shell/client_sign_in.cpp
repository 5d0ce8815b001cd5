// How the client of a stream signs in: who he is, and how often he may fail.
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/report.hpp"
#include "servers/messaging/application.hpp"
#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/client_stream.hpp"

#include <fmt/format.h>

namespace coppice::messaging {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

user_secrets secrets_of(const storage::account& who) {
  user_secrets known;
  if (const auto* v = who.find(scram_hash::sha1)) known.sha1 = *v;
  if (const auto* v = who.find(scram_hash::sha256)) known.sha256 = *v;
  return known;
}

bool is_password_of(const scram_verifier& verifier, const std::string& tried) {
  return is_password(verifier, tried);
}

} // namespace

std::optional<std::string> client_stream::must_wait() const {
  const duration left =
      host_.sign_ins().wait(negotiation_->user(), throttled_, coppice::now(), host_.how().sign_ins);
  if (left <= duration::zero()) return std::nullopt;
  host_.counted().throttled.add();
  return fmt::format("There were too many failures: try again in {} s.",
                     std::chrono::ceil<std::chrono::seconds>(left).count());
}

void client_stream::note_failure() {
  const std::string& user = negotiation_->user();
  if (user.empty()) return; // it came to no password
  host_.counted().failures.add();
  host_.sign_ins().failed(user, throttled_, coppice::now(), host_.how().sign_ins);
  if (failed_as_ != user) failed_ = 0;
  failed_as_ = user;
  ++failed_;
  if (!this_node().reports(severity::notice)) return;
  this_node().report(report{
      severity::notice, "sign_in_failure", self_pid(), {{"user", term(user)}, {"from", term(peer_)}}, {}});
}

void client_stream::note_sign_in(const char* how, const std::string& address) {
  host_.sign_ins().succeeded(user_, throttled_, coppice::now(), failed_as_ == user_ ? failed_ : 0);
  if (!this_node().reports(severity::info)) return;
  this_node().report(
      report{severity::info, how, self_pid(), {{"address", term(address)}, {"from", term(peer_)}}, {}});
}

/// Nothing: there is no such account. The error: why he cannot be told now whether he may come in.
task<std::expected<std::optional<storage::account>, std::string>> client_stream::look_up() {
  if (auto why = must_wait()) co_return std::unexpected(std::move(*why));
  auto look = [name = negotiation_->user() + "@" + negotiation_->domain()](store::transaction& t) {
    return storage::find_account(t, name);
  };
  auto found = co_await host_.db().read(std::move(look));
  if (!found) co_return std::unexpected("The server cannot look users up: try again later.");
  co_return std::move(*found);
}

task<client_stream::action> client_stream::find_user() {
  auto found = co_await look_up();
  negotiation_step next;
  if (!found) {
    next = negotiation_->unavailable(found.error());
  } else {
    std::optional<user_secrets> known;
    if (*found) known = secrets_of(**found);
    next = negotiation_->found(known);
  }
  co_return co_await act(std::move(next));
}

task<client_stream::action> client_stream::check_password(std::string password) {
  auto found = co_await look_up();
  negotiation_step next;
  if (!found) {
    next = negotiation_->unavailable(found.error());
  } else {
    const std::string name = negotiation_->user() + "@" + negotiation_->domain();
    scram_verifier verifier =
        decoy_verifier(scram_hash::sha256, name, host_.secret(), host_.how().iterations);
    const bool knows = *found && !(*found)->verifiers.empty();
    if (knows) verifier = (*found)->verifiers.back(); // SHA-256, where there are both
    const bool right = co_await blocking(&is_password_of, std::move(verifier), password);
    const bool welcome = right && knows;
    if (welcome && (*found)->verifiers.size() == 1) co_await complete(std::move(password));
    next = negotiation_->checked(welcome);
    if (!welcome) note_failure();
  }
  co_return co_await act(std::move(next));
}

// --- XEP-0077, 3.1 ---

task<client_stream::action> client_stream::answer_registration(xml::element iq) {
  using kind = registration_request::kind;
  auto wish = parse_registration(iq);
  xml::element reply;
  if (!wish) {
    reply = error_reply(iq, wish.error());
  } else if (wish->wants == kind::ask) {
    reply = registration_fields(iq);
  } else if (wish->wants == kind::remove) {
    reply = error_reply(iq, {.is = condition::registration_required});
  } else {
    xml::element made = co_await make_account(std::move(iq), std::move(*wish));
    reply = std::move(made);
  }
  output_.push_back(framed(frames_, reply));
  co_return action::read_on;
}

task<xml::element> client_stream::make_account(xml::element iq, registration_request wish) {
  const sign_in_limits limits{
      .by_address = host_.how().registration.per_day, .by_account = 0, .period = std::chrono::days(1)};
  if (host_.registrations().wait("", throttled_, coppice::now(), limits) > duration::zero()) {
    const stanza_error later{condition::resource_constraint, "There were too many from your address today.",
                             "wait"};
    co_return error_reply(iq, later);
  }
  host_.registrations().failed("", throttled_, coppice::now(), limits);
  const std::string name = wish.user;
  auto made = co_await add_user(host_, std::move(wish.user), std::move(wish.password));
  const auto* why = std::get_if<error>(&made);
  if (why == nullptr) {
    host_.counted().registrations.add();
    this_node().report(report{
        severity::notice, "registration", self_pid(), {{"user", term(name)}, {"from", term(peer_)}}, {}});
    co_return result_reply(iq);
  }
  switch (why->reason) {
  case problem::user_exists: co_return error_reply(iq, {.is = condition::conflict});
  case problem::bad_name:
  case problem::bad_password: co_return error_reply(iq, {.is = condition::not_acceptable});
  default: break;
  }
  co_return error_reply(iq, {condition::internal_server_error, "Try again.", "wait"});
}

/// An account from another server, which kept but one hash: from now on he gets in by each mechanism.
task<> client_stream::complete(std::string password) {
  auto make = [how = host_.how()](const std::string& user, const std::string& secret) {
    return make_credentials(user, secret, how);
  };
  auto made = co_await blocking(std::move(make), negotiation_->user(), std::move(password));
  if (!made) co_return;
  auto work = [all = std::move(*made)](store::transaction& t) {
    return storage::set_verifiers(t, all.address, all.verifiers);
  };
  auto kept = co_await host_.db().write(std::move(work));
  static_cast<void>(kept); // else next time
}

} // namespace coppice::messaging
