#include "coppice/dist/handshake.hpp"

#include "coppice/dist/detail/wire.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <memory>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdexcept>
#include <utility>

namespace coppice::dist {
namespace {

using detail::fields;
using detail::put;
using reason = handshake_error::reason;

constexpr char name_6 = 'N'; // of the version, and the challenge's
constexpr char name_5 = 'n';
constexpr char status_message = 's';
constexpr char complement_message = 'c';
constexpr char reply_message = 'r';
constexpr char ack_message = 'a';
constexpr std::uint16_t old_version = 5;
constexpr std::size_t digest_size = 16;
constexpr std::size_t longest_name = 255;

handshake_step refuse(reason why, std::string message, std::vector<std::string> send = {}) {
  return {std::move(send), handshake_error{why, std::move(message)}};
}

handshake_step nonsense(std::string_view expected) {
  return refuse(reason::protocol, fmt::format("expected {} of the handshake", expected));
}

/// MD5 of the cookie and the challenge as text: what the protocol asks for.
std::array<unsigned char, digest_size> digest(std::string_view cookie, std::uint32_t challenge) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> md(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const std::string text = std::to_string(challenge);
  std::array<unsigned char, digest_size> out{};
  unsigned size = 0;
  if (md == nullptr || EVP_DigestInit_ex(md.get(), EVP_md5(), nullptr) != 1 ||
      EVP_DigestUpdate(md.get(), cookie.data(), cookie.size()) != 1 ||
      EVP_DigestUpdate(md.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(md.get(), out.data(), &size) != 1 || size != digest_size) {
    throw std::runtime_error("OpenSSL has no MD5, which the distribution protocol needs");
  }
  return out;
}

/// In a time that does not tell how much of it is right.
bool knows_cookie(std::string_view told, std::string_view cookie, std::uint32_t challenge) {
  const auto right = digest(cookie, challenge);
  return told.size() == right.size() && CRYPTO_memcmp(told.data(), right.data(), right.size()) == 0;
}

void put_digest(std::string& out, std::string_view cookie, std::uint32_t challenge) {
  const auto bytes = digest(cookie, challenge);
  out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

bool compatible(const node_identity& peer) noexcept { return peer.can.has_all(mandatory_25); }

handshake_step incompatible(const node_identity& peer, std::vector<std::string> send = {}) {
  const std::uint64_t lacks = mandatory_25.without(peer.can).bits();
  return refuse(reason::incompatible, fmt::format("{} lacks the capabilities {:#x}", peer.name, lacks),
                std::move(send));
}

std::string_view text_of(admission how) noexcept {
  switch (how) {
  case admission::ok: return "ok";
  case admission::ok_simultaneous: return "ok_simultaneous";
  case admission::nok: return "nok";
  case admission::not_allowed: return "not_allowed";
  case admission::alive: return "alive";
  }
  return "";
}

} // namespace

bool is_node_name(std::string_view name) noexcept {
  const std::size_t at = name.find('@');
  if (name.size() > longest_name || at == 0 || at == std::string_view::npos || at + 1 == name.size())
    return false;
  if (name.find('@', at + 1) != std::string_view::npos) return false;
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f'; });
}

// --- the side that connects ---

handshake_out::handshake_out(handshake_side mine, std::string dialled, bool connected)
    : mine_(std::move(mine)), dialled_(std::move(dialled)), connected_(connected) {}

std::string handshake_out::start() const {
  std::string out(1, name_6);
  put(out, mine_.self.can.bits());
  put(out, mine_.self.creation);
  put(out, static_cast<std::uint16_t>(mine_.self.name.size()));
  return out + mine_.self.name;
}

handshake_step handshake_out::step(std::string_view message) {
  if (message.empty()) return nonsense("a message");
  const char what = message.front();
  switch (at_) {
  case stage::status:
    if (what != status_message) return nonsense("a status");
    return take_status(message.substr(1));
  case stage::challenge:
    if (what != name_6) return nonsense("a challenge");
    return take_challenge(message.substr(1));
  case stage::ack:
    if (what != ack_message) return nonsense("an acknowledgement");
    return take_ack(message.substr(1));
  case stage::done: break;
  }
  return nonsense("nothing more");
}

handshake_step handshake_out::take_status(std::string_view text) {
  if (text == "ok" || text == "ok_simultaneous") {
    at_ = stage::challenge;
    return {};
  }
  if (text == "nok")
    return refuse(reason::yielded, dialled_ + " tries to reach us, too; its attempt goes on");
  if (text == "not_allowed") return refuse(reason::not_allowed, dialled_ + " does not let us in");
  if (text != "alive") return nonsense("a status that is known");
  if (connected_) return refuse(reason::duplicate, dialled_ + " is connected already", {"sfalse"});
  at_ = stage::challenge;
  replaces_ = true;
  return {{"strue"}}; // what it takes for our connection is one of our past
}

handshake_step handshake_out::take_challenge(std::string_view message) {
  fields from(message);
  peer_.can = expanded(capabilities(from.number<std::uint64_t>()));
  const auto challenge = from.number<std::uint32_t>();
  peer_.creation = from.number<std::uint32_t>();
  peer_.name = from.text();
  if (!from.all_there()) return nonsense("a whole challenge");
  if (peer_.name != dialled_) {
    return refuse(reason::wrong_name, "what was reached as " + dialled_ + " is another node");
  }
  if (!compatible(peer_)) return incompatible(peer_);
  std::string out(1, reply_message);
  put(out, mine_.challenge);
  put_digest(out, mine_.cookie, challenge);
  at_ = stage::ack;
  return {{std::move(out)}};
}

handshake_step handshake_out::take_ack(std::string_view message) {
  if (!knows_cookie(message, mine_.cookie, mine_.challenge)) {
    return refuse(reason::wrong_cookie, dialled_ + " has another cookie");
  }
  at_ = stage::done;
  return {};
}

// --- the side that accepts ---

handshake_in::handshake_in(handshake_side mine) : mine_(std::move(mine)) {}

handshake_step handshake_in::step(std::string_view message) {
  if (message.empty()) return nonsense("a message");
  const char what = message.front();
  const std::string_view rest = message.substr(1);
  switch (at_) {
  case stage::name:
    if (what == name_6) return take_name(rest);
    if (what == name_5) return take_old_name(rest);
    return nonsense("a name");
  case stage::still_alive:
    if (what != status_message) return nonsense("a status");
    return take_still_alive(rest);
  case stage::complement:
    if (what != complement_message) return nonsense("a complement");
    return take_complement(rest);
  case stage::reply:
    if (what != reply_message) return nonsense("a reply");
    return take_reply(rest);
  case stage::asked:
  case stage::done: break;
  }
  return nonsense("nothing now");
}

handshake_step handshake_in::take_name(std::string_view message) {
  fields from(message);
  const capabilities told(from.number<std::uint64_t>());
  peer_.creation = from.number<std::uint32_t>();
  peer_.name = from.text(); // what stands behind it is for later versions
  wants_name_ = told.has(capability::name_me);
  peer_.can = expanded(told.without(capabilities::of(capability::name_me)));
  if (!from.all_there()) return nonsense("a whole name");
  if (wants_name_ ? !is_node_name("x@" + peer_.name) : !is_node_name(peer_.name)) {
    return nonsense("the name of a node");
  }
  at_ = stage::asked;
  return {};
}

handshake_step handshake_in::take_old_name(std::string_view message) {
  fields from(message);
  const auto version = from.number<std::uint16_t>();
  const auto low = from.number<std::uint32_t>();
  peer_.name = from.rest();
  if (!from.all_there() || version != old_version || !is_node_name(peer_.name))
    return nonsense("a whole name");
  // The upper half comes in the complement: until then it is taken for one that has what it must.
  peer_.can = expanded(capabilities(low));
  old_ = true;
  at_ = stage::asked;
  return {};
}

handshake_step handshake_in::admit(admission how, const std::optional<node_identity>& given) {
  if (at_ != stage::asked) return nonsense("a name first");
  if (!compatible(peer_)) return incompatible(peer_, {"snot_allowed"});
  if (wants_name_ && !given) how = admission::not_allowed; // a node has to have a name
  std::string status(1, status_message);
  if (wants_name_ && given && how == admission::ok) {
    peer_.name = given->name;
    peer_.creation = given->creation;
    status += "named:";
    put(status, static_cast<std::uint16_t>(given->name.size()));
    status += given->name;
    put(status, given->creation);
  } else {
    status += text_of(how);
  }
  switch (how) {
  case admission::ok:
  case admission::ok_simultaneous:
    at_ = old_ ? stage::complement : stage::reply;
    return {{std::move(status), challenge()}};
  case admission::alive: at_ = stage::still_alive; return {{std::move(status)}};
  case admission::nok:
    return refuse(reason::yielded, "our own attempt to reach " + peer_.name + " goes on",
                  {std::move(status)});
  case admission::not_allowed: break;
  }
  return refuse(reason::not_allowed, peer_.name + " was not let in", {std::move(status)});
}

std::string handshake_in::challenge() const {
  std::string out(1, name_6);
  // What wants a name takes it only from a node that says it gives names.
  const capabilities extra = wants_name_ ? capabilities::of(capability::name_me) : capabilities();
  put(out, mine_.self.can.with(extra).bits());
  put(out, mine_.challenge);
  put(out, mine_.self.creation);
  put(out, static_cast<std::uint16_t>(mine_.self.name.size()));
  return out + mine_.self.name;
}

handshake_step handshake_in::take_still_alive(std::string_view message) {
  if (message == "false") return refuse(reason::duplicate, peer_.name + " keeps the connection that it has");
  if (message != "true") return nonsense("true or false");
  at_ = old_ ? stage::complement : stage::reply;
  return {{challenge()}};
}

handshake_step handshake_in::take_complement(std::string_view message) {
  fields from(message);
  const auto high = from.number<std::uint32_t>();
  peer_.creation = from.number<std::uint32_t>();
  if (!from.all_there()) return nonsense("a whole complement");
  peer_.can = peer_.can.with(capabilities(std::uint64_t{high} << 32));
  at_ = stage::reply;
  return {};
}

handshake_step handshake_in::take_reply(std::string_view message) {
  fields from(message);
  const auto challenge = from.number<std::uint32_t>();
  const std::string told = from.rest();
  if (!from.all_there() || !knows_cookie(told, mine_.cookie, mine_.challenge)) {
    return refuse(reason::wrong_cookie, peer_.name + " has another cookie");
  }
  std::string out(1, ack_message);
  put_digest(out, mine_.cookie, challenge);
  at_ = stage::done;
  return {{std::move(out)}};
}

} // namespace coppice::dist
