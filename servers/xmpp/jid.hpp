// Addresses: `juliet@example.com/balcony`. RFC 7622, with the forms of RFC 6122.
#pragma once

#include <compare>
#include <cstddef>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// An address in the form in which it is compared; made by `parse` or from parts, so always a sound one, or
/// none at all. Each part has at most 1023 bytes. A value.
class jid {
public:
  jid() = default; ///< none

  /// Reads one. The error says what is wrong, for people. Linear.
  [[nodiscard]] static std::expected<jid, std::string> parse(std::string_view text);
  /// Of parts that need not be in their form; '' for one that is not there. Likewise.
  [[nodiscard]] static std::expected<jid, std::string> of(std::string_view local, std::string_view domain,
                                                          std::string_view resource = "");

  /// @{
  /// The part; '' where there is none.
  [[nodiscard]] std::string_view local() const noexcept { return std::string_view(text_).substr(0, local_); }
  [[nodiscard]] std::string_view domain() const noexcept {
    const std::size_t begin = local_ == 0 ? 0 : local_ + 1;
    return std::string_view(text_).substr(begin, bare_ - begin);
  }
  [[nodiscard]] std::string_view resource() const noexcept {
    return bare_ == text_.size() ? std::string_view() : std::string_view(text_).substr(bare_ + 1);
  }
  /// @}
  /// All of it.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Without its resource, as text.
  [[nodiscard]] std::string_view bare_text() const noexcept {
    return std::string_view(text_).substr(0, bare_);
  }
  /// Without its resource.
  [[nodiscard]] jid bare() const;
  /// The same with another resource; an error as that of `parse`.
  [[nodiscard]] std::expected<jid, std::string> with_resource(std::string_view resource) const;
  /// Whether it has no resource.
  [[nodiscard]] bool is_bare() const noexcept { return bare_ == text_.size(); }
  /// Whether it is none.
  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

  bool operator==(const jid& other) const noexcept { return text_ == other.text_; }
  std::strong_ordering operator<=>(const jid& other) const noexcept { return text_ <=> other.text_; }

private:
  std::string text_;
  std::size_t local_ = 0; ///< its length
  std::size_t bare_ = 0;  ///< the length without the resource
};

} // namespace coppice::xmpp

template <>
struct std::hash<coppice::xmpp::jid> {
  std::size_t operator()(const coppice::xmpp::jid& j) const noexcept {
    return std::hash<std::string>()(j.text());
  }
};
