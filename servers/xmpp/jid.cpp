#include "servers/xmpp/jid.hpp"

#include "servers/xmpp/prepared.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <optional>

namespace coppice::xmpp {
namespace {

/// What a local part may not have besides what its profile forbids (RFC 6122, A.5).
constexpr std::string_view forbidden_in_local = "\"&'/:<>@ ";

std::unexpected<std::string> wrong(const char* what) { return std::unexpected<std::string>(what); }

bool is_address_v6(std::string_view text) {
  if (text.size() < 4 || text.size() > 47 || text.front() != '[' || text.back() != ']') return false;
  const std::string inside(text.substr(1, text.size() - 2));
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET6, inside.c_str(), bytes.data()) == 1;
}

/// Labels of letters, digits, hyphens and what is not ASCII, none of them empty or longer than 63 bytes.
bool is_host(std::string_view text) {
  std::size_t label = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool fits =
        byte >= 0x80 || c == '-' || c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!fits || ++label > 63) return false;
  }
  return label != 0;
}

} // namespace

std::expected<jid, std::string> jid::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view bare = text.substr(0, slash);
  const std::size_t at = bare.find('@');
  if (slash != std::string_view::npos && slash + 1 == text.size())
    return wrong("nothing stands behind the '/'");
  if (at == 0) return wrong("nothing stands before the '@'");
  return of(at == std::string_view::npos ? "" : bare.substr(0, at),
            at == std::string_view::npos ? bare : bare.substr(at + 1),
            slash == std::string_view::npos ? "" : text.substr(slash + 1));
}

std::expected<jid, std::string> jid::of(std::string_view local, std::string_view domain,
                                        std::string_view resource) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  const bool v6 = is_address_v6(domain);
  const std::optional<std::string> host = v6 ? std::string(domain) : prepared(domain, profile::domain);
  if (!host || (!v6 && !is_host(*host))) return wrong("the domain is none of a host");
  jid made;
  if (!local.empty()) {
    const std::optional<std::string> name = prepared(local, profile::node);
    if (!name || name->empty() || name->find_first_of(forbidden_in_local) != std::string::npos) {
      return wrong("the part before the '@' has characters that it may not have, or is too long");
    }
    made.text_ = *name;
    made.local_ = name->size();
    made.text_ += '@';
  }
  made.text_ += *host;
  made.bare_ = made.text_.size();
  if (resource.empty()) return made;
  return made.with_resource(resource);
}

jid jid::bare() const {
  jid made = *this;
  made.text_.resize(bare_);
  return made;
}

std::expected<jid, std::string> jid::with_resource(std::string_view resource) const {
  const std::optional<std::string> name = prepared(resource, profile::resource);
  if (!name || name->empty()) {
    return wrong("the part behind the '/' has characters that it may not have, or is too long");
  }
  jid made = bare();
  made.text_ += '/';
  made.text_ += *name;
  return made;
}

} // namespace coppice::xmpp
