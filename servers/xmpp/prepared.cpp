#include "servers/xmpp/prepared.hpp"

#include "coppice/term/detail/utf8.hpp"

#include <algorithm>
#include <array>
#include <stringprep.h>

namespace coppice::xmpp {
namespace {

constexpr std::size_t most = 1023;

const Stringprep_profile* rules_of(profile as) noexcept {
  switch (as) {
  case profile::node: return stringprep_xmpp_nodeprep;
  case profile::domain: return stringprep_nameprep;
  case profile::resource: return stringprep_xmpp_resourceprep;
  case profile::password: break;
  }
  return stringprep_saslprep;
}

/// Of ASCII all profiles say the same but for what is forbidden: only letters and digits are sure.
bool is_plain(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

} // namespace

std::optional<std::string> prepared(std::string_view text, profile as) {
  if (text.size() > most) return std::nullopt;
  if (is_plain(text)) return std::string(text);
  if (text.find('\0') != std::string_view::npos || !coppice::detail::utf8_length(text)) return std::nullopt;
  std::array<char, most + 1> buffer{};
  std::ranges::copy(text, buffer.begin());
  if (stringprep(buffer.data(), buffer.size(), static_cast<Stringprep_profile_flags>(0), rules_of(as)) !=
      STRINGPREP_OK) {
    return std::nullopt;
  }
  return std::string(buffer.data());
}

} // namespace coppice::xmpp
