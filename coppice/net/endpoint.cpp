#include "coppice/net/endpoint.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <optional>

namespace coppice::net {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::unexpected<std::string> bad(std::string_view text, std::string_view why) {
  std::string message = "'";
  message.append(text.substr(0, 100)).append("' is no endpoint: ").append(why);
  return std::unexpected(message.append("; write it as 127.0.0.1:8080 or [::1]:8080"));
}

} // namespace

endpoint::endpoint() noexcept : bytes_{127, 0, 0, 1} {}

endpoint endpoint::loopback(std::uint16_t port) noexcept { return v4({127, 0, 0, 1}, port); }
endpoint endpoint::any(std::uint16_t port) noexcept { return v4({0, 0, 0, 0}, port); }

endpoint endpoint::v4(const std::array<std::uint8_t, 4>& address, std::uint16_t port) noexcept {
  endpoint e;
  std::ranges::copy(address, e.bytes_.begin());
  e.port_ = port;
  return e;
}

endpoint endpoint::v6(const std::array<std::uint8_t, 16>& address, std::uint16_t port,
                      std::uint32_t scope) noexcept {
  endpoint e;
  e.bytes_ = address;
  e.port_ = port;
  e.scope_ = scope;
  e.v6_ = true;
  return e;
}

std::expected<endpoint, std::string> endpoint::parse(std::string_view text) {
  std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad(text, "it has no port");
  std::string_view host = text.substr(0, colon);
  auto port = number<std::uint16_t>(text.substr(colon + 1));
  if (!port) return bad(text, "the port is not a number from 0 to 65535");
  if (!host.starts_with('[')) {
    std::array<std::uint8_t, 4> address{};
    if (inet_pton(AF_INET, std::string(host).c_str(), address.data()) != 1 || host.contains('\0')) {
      return bad(text, "the address is not a numeric IPv4 address, nor an IPv6 address in brackets");
    }
    return v4(address, *port);
  }
  if (!host.ends_with(']')) return bad(text, "a bracket is not closed");
  host = host.substr(1, host.size() - 2);
  std::uint32_t scope = 0;
  if (std::size_t percent = host.find('%'); percent != std::string_view::npos) {
    auto given = number<std::uint32_t>(host.substr(percent + 1));
    if (!given) return bad(text, "the scope after '%' is not a number");
    scope = *given;
    host = host.substr(0, percent);
  }
  std::array<std::uint8_t, 16> address{};
  if (inet_pton(AF_INET6, std::string(host).c_str(), address.data()) != 1 || host.contains('\0')) {
    return bad(text, "what stands in brackets is not an IPv6 address");
  }
  return v6(address, *port, scope);
}

bool endpoint::is_loopback() const noexcept {
  if (!v6_) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; });
}

std::string endpoint::address() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof(text));
  std::string all = text;
  if (scope_ != 0) all.append("%").append(std::to_string(scope_));
  return all;
}

std::string endpoint::to_string() const {
  std::string all = v6_ ? "[" + address() + "]" : address();
  return all.append(":").append(std::to_string(port_));
}

} // namespace coppice::net
