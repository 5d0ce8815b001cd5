#include "servers/xmpp/negotiation.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/stanza.hpp"

#include <algorithm>

namespace coppice::xmpp {
namespace {

constexpr std::string_view registration_feature = "http://jabber.org/features/iq-register";
constexpr std::string_view binding_types = "urn:xmpp:sasl-cb:0"; // XEP-0440
constexpr std::size_t longest_response = 16 << 10;

/// `=` stands for nothing at all (RFC 6120, 6.4.2).
std::optional<std::string> decoded(std::string_view text) {
  if (text == "=") return std::string();
  return net::detail::from_base64(text);
}

xml::element sasl(std::string_view name, std::string_view data) {
  xml::element e(ns::sasl, name);
  if (!data.empty()) e.add_text(net::detail::to_base64(data));
  return e;
}

} // namespace

negotiation::negotiation(negotiation_options options) : options_(std::move(options)) {}

negotiation_step negotiation::say(const xml::element& e, action next) const {
  negotiation_step step;
  step.next = next;
  step.write = framed(options_.frames, e);
  return step;
}

// --- opening ---

negotiation_step negotiation::opened(const xml::stream_opened& head) {
  const bool right_root = options_.frames == framing::tcp ? head.head.is(ns::streams, "stream")
                                                          : head.head.is(ns::framing, "open");
  if (!right_root) return refuse_opening("invalid-namespace", "This is no stream of XMPP.");
  if (options_.frames == framing::tcp && head.default_ns != ns::client) {
    return refuse_opening("invalid-namespace", "The stream's default namespace must be jabber:client.");
  }
  const std::string_view version = head.head.get("version");
  if (!version.starts_with("1.")) return refuse_opening("unsupported-version", "The version must be 1.0.");
  const auto to = jid::parse(head.head.get("to"));
  const std::string asked = to ? std::string(to->domain()) : std::string();
  if (std::ranges::find(options_.domains, asked) == options_.domains.end()) {
    return refuse_opening("host-unknown", "Nobody here serves this domain.");
  }
  if (state_ != state::opening && asked != domain_) {
    return refuse_opening("host-unknown", "The domain may not change.");
  }
  domain_ = asked;
  if (state_ == state::opening) {
    state_ = options_.secure ? state::mechanisms : state::plain;
  } else {
    state_ = state::binding;
  }
  return greet(head.head.get("from"));
}

negotiation_step negotiation::greet(std::string_view to) {
  is_open_ = true;
  negotiation_step step;
  step.write = opening(options_.frames, {options_.unique(), domain_, to});
  std::string offered = framed(options_.frames, features());
  if (options_.frames == framing::tcp) {
    step.write += offered;
  } else {
    step.more.push_back(std::move(offered));
  }
  return step;
}

negotiation_step negotiation::refuse_opening(std::string_view condition, std::string_view text) {
  is_open_ = false; // of the stream that is refused
  return failed(condition, text);
}

negotiation_step negotiation::failed(std::string_view condition, std::string_view text) {
  state_ = state::over;
  std::vector<std::string> parts;
  if (!is_open_) {
    const std::string_view from = domain_.empty() ? std::string_view(options_.domains.front()) : domain_;
    parts.push_back(opening(options_.frames, {options_.unique(), from, ""}));
  }
  parts.push_back(framed(options_.frames, stream_error_element(condition, text)));
  parts.emplace_back(closing(options_.frames));
  negotiation_step step;
  step.next = action::close;
  for (std::string& part : parts) {
    if (options_.frames == framing::tcp || step.write.empty()) {
      step.write += part;
    } else {
      step.more.push_back(std::move(part));
    }
  }
  return step;
}

negotiation_step negotiation::closed() {
  state_ = state::over;
  negotiation_step step;
  step.next = action::close;
  step.write = closing(options_.frames);
  return step;
}

// --- features ---

xml::element negotiation::mechanisms() const {
  xml::element all(ns::sasl, "mechanisms");
  const auto offer = [&all](std::string_view name) {
    all.add(xml::element(ns::sasl, "mechanism").add_text(name));
  };
  const offered_mechanisms& may = options_.mechanisms;
  const bool binds = !options_.bindings.empty();
  if (binds && may.scram_sha_256) offer("SCRAM-SHA-256-PLUS");
  if (binds && may.scram_sha_1) offer("SCRAM-SHA-1-PLUS");
  if (may.scram_sha_256) offer("SCRAM-SHA-256");
  if (may.scram_sha_1) offer("SCRAM-SHA-1");
  if (may.plain) offer("PLAIN");
  return all;
}

xml::element negotiation::features() const {
  xml::element all(ns::streams, "features");
  if (state_ == state::plain) {
    if (options_.offers_tls) {
      all.add(xml::element(ns::tls, "starttls").add(xml::element(ns::tls, "required")));
    }
    return all;
  }
  if (state_ == state::mechanisms) {
    all.add(mechanisms());
    if (!options_.bindings.empty()) {
      xml::element types(binding_types, "sasl-channel-binding");
      for (const channel_binding& b : options_.bindings) {
        types.add(xml::element(binding_types, "channel-binding").set("type", b.type));
      }
      all.add(std::move(types));
    }
    if (options_.offers_registration) all.add(xml::element(registration_feature, "register"));
    return all;
  }
  all.add(xml::element(ns::bind, "bind"));
  // RFC 3921's session does nothing any more; old clients look for it.
  all.add(xml::element(ns::session, "session").add(xml::element(ns::session, "optional")));
  for (const xml::element& one : options_.features) all.add(one);
  return all;
}

// --- what clients send ---

negotiation_step negotiation::received(xml::element e) {
  if (options_.frames == framing::websocket) {
    if (e.is(ns::framing, "open")) {
      if (state_ != state::opening && state_ != state::opening_again) {
        return failed("invalid-namespace", "The stream is open already.");
      }
      return opened({std::move(e), std::string(ns::client)});
    }
    if (e.is(ns::framing, "close")) return closed();
  }
  switch (state_) {
  case state::plain: return take_plain(e);
  case state::mechanisms:
  case state::exchange:
    if (options_.offers_registration && kind_of(e) == stanza_kind::iq && e.child(ns::registration, "query")) {
      negotiation_step step;
      step.next = action::registration;
      step.request = std::move(e);
      return step;
    }
    return take_sasl(e);
  case state::binding: return take_binding(std::move(e));
  case state::opening:
  case state::opening_again: return failed("invalid-xml", "A stream must be opened first.");
  case state::over: break;
  }
  return {.next = action::close, .more = {}};
}

negotiation_step negotiation::take_plain(const xml::element& e) {
  if (e.is(ns::tls, "starttls") && options_.offers_tls) {
    return say(xml::element(ns::tls, "proceed"), action::start_tls);
  }
  if (e.is(ns::tls, "starttls")) {
    negotiation_step step = say(xml::element(ns::tls, "failure"), action::close);
    step.write += closing(options_.frames);
    return step;
  }
  return failed("policy-violation", "This connection must be encrypted first (STARTTLS).");
}

negotiation_step negotiation::take_binding(xml::element e) {
  const xml::element* asked = e.child(ns::bind, "bind");
  if (kind_of(e) == stanza_kind::iq && asked != nullptr && e.get("type") == "set" && !e.get("id").empty()) {
    state_ = state::over;
    negotiation_step step;
    step.next = action::bind;
    step.user = user_;
    step.request = std::move(e);
    return step;
  }
  if (e.is(ns::stream_management, "resume")) {
    negotiation_step step;
    step.next = action::resume;
    step.user = user_;
    step.request = std::move(e);
    return step;
  }
  if (e.is(ns::stream_management, "enable")) { // XEP-0198, section 3: only after binding
    return say(xml::element(ns::stream_management, "failed")
                   .add(xml::element(ns::stanza_errors, "unexpected-request")));
  }
  if (e.is(ns::sasl, "auth")) return fail_sasl("not-authorized", "This stream is authenticated already.");
  return failed("not-authorized", "A resource must be bound first.");
}

negotiation_step negotiation::not_resumed(const xml::element& why) { return say(why); }

// --- SASL ---

negotiation_step negotiation::take_sasl(const xml::element& e) {
  if (e.ns() != ns::sasl) return failed("not-authorized", "The stream must be authenticated first.");
  if (e.name() == "abort") return fail_sasl("aborted", "");
  std::string text = e.text();
  if (text.size() > longest_response) return fail_sasl("malformed-request", "This is too long.");
  if (e.name() == "auth" && state_ == state::mechanisms) return begin(e.get("mechanism"), text);
  if (e.name() == "response" && state_ == state::exchange) return respond(text);
  return fail_sasl("malformed-request", "This was not its turn.");
}

negotiation_step negotiation::begin(std::string_view mechanism, std::string_view initial) {
  mechanism_ = mechanism;
  std::string_view name = mechanism_;
  const bool plus = name.ends_with("-PLUS");
  if (plus) name.remove_suffix(5);
  scram_.reset();
  const offered_mechanisms& may = options_.mechanisms;
  if ((name == "SCRAM-SHA-256" && may.scram_sha_256) || (name == "SCRAM-SHA-1" && may.scram_sha_1)) {
    if (plus && options_.bindings.empty())
      return fail_sasl("invalid-mechanism", "There is nothing to bind to.");
    hash_ = name == "SCRAM-SHA-1" ? scram_hash::sha1 : scram_hash::sha256;
    scram_ = std::make_unique<scram_server>(hash_, plus, options_.bindings, options_.unique());
  } else if (mechanism_ != "PLAIN" || !may.plain) {
    return fail_sasl("invalid-mechanism", "This mechanism is not offered.");
  }
  state_ = state::exchange;
  awaits_first_ = initial.empty();
  if (awaits_first_) return say(xml::element(ns::sasl, "challenge"));
  awaits_first_ = true;
  return respond(initial);
}

negotiation_step negotiation::respond(std::string_view text) {
  const std::optional<std::string> message = decoded(text);
  if (!message) return fail_sasl("incorrect-encoding", "This is no base64.");
  if (awaits_first_) {
    awaits_first_ = false;
    return scram_ != nullptr ? take_first(*message) : take_password(*message);
  }
  if (scram_ == nullptr) return fail_sasl("malformed-request", "PLAIN is but one message.");
  std::expected<std::string, sasl_failure> last = scram_->last(*message);
  if (!last) return fail_sasl(last.error().condition, last.error().text);
  return succeed(*last);
}

bool negotiation::take_name(std::string_view name, std::string_view authorization) {
  const auto who = jid::of(name, domain_);
  if (!who || who->local().empty()) return false;
  user_ = who->local();
  if (authorization.empty()) return true;
  const auto as = jid::parse(authorization);
  return as && *as == *who;
}

negotiation_step negotiation::take_first(const std::string& message) {
  std::expected<scram_user, sasl_failure> user = scram_->first(message);
  if (!user) return fail_sasl(user.error().condition, user.error().text);
  if (!take_name(user->name, user->authorization)) {
    return fail_sasl(user->authorization.empty() ? "not-authorized" : "invalid-authzid",
                     "Nobody can be let in by this name.");
  }
  return {.next = action::find_user, .more = {}, .user = user_};
}

negotiation_step negotiation::found(const std::optional<user_secrets>& user) {
  scram_verifier v;
  if (user) v = hash_ == scram_hash::sha1 ? user->sha1 : user->sha256;
  if (v.stored_key.empty()) {
    v = decoy_verifier(hash_, user_, options_.decoy_secret, options_.decoy_iterations);
  }
  return say(sasl("challenge", scram_->challenge(std::move(v))));
}

negotiation_step negotiation::take_password(const std::string& message) {
  const std::size_t first = message.find('\0');
  const std::size_t second = first == std::string::npos ? first : message.find('\0', first + 1);
  if (second == std::string::npos || message.find('\0', second + 1) != std::string::npos) {
    return fail_sasl("malformed-request", "PLAIN has three parts.");
  }
  const std::string_view all = message;
  if (!take_name(all.substr(first + 1, second - first - 1), all.substr(0, first))) {
    return fail_sasl(first == 0 ? "not-authorized" : "invalid-authzid", "Nobody can be let in by this name.");
  }
  return {.next = action::check_password,
          .more = {},
          .user = user_,
          .password = std::string(all.substr(second + 1))};
}

negotiation_step negotiation::checked(bool right) {
  if (!right) return fail_sasl("not-authorized", "User name or password are wrong.");
  return succeed("");
}

negotiation_step negotiation::unavailable(std::string_view text) {
  return fail_sasl("temporary-auth-failure", text);
}

negotiation_step negotiation::succeed(std::string_view final_message) {
  scram_.reset();
  state_ = state::opening_again;
  is_open_ = false;
  options_.bindings.clear();
  return say(sasl("success", final_message), action::restart);
}

negotiation_step negotiation::fail_sasl(std::string_view condition, std::string_view text) {
  scram_.reset();
  if (state_ == state::exchange) state_ = state::mechanisms;
  xml::element failure(ns::sasl, "failure");
  failure.add(xml::element(ns::sasl, condition));
  if (!text.empty()) {
    xml::element said(ns::sasl, "text");
    said.set(xml::xml_namespace, "lang", "en").add_text(text);
    failure.add(std::move(said));
  }
  negotiation_step step = say(failure);
  if (++failures_ < most_failures) return step;
  negotiation_step end = failed("policy-violation", "There were too many attempts.");
  if (options_.frames == framing::tcp) {
    end.write.insert(0, step.write);
  } else {
    end.more.insert(end.more.begin(), std::move(end.write));
    end.write = std::move(step.write);
  }
  return end;
}

} // namespace coppice::xmpp
