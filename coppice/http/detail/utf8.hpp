// UTF-8 checked as it arrives (RFC 3629): the first byte that no valid text can have is refused at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace coppice::http::detail {

class utf8_validator {
public:
  /// Goes on where the last piece ended. False from the first invalid byte on.
  bool feed(std::string_view piece) noexcept {
    std::size_t i = 0;
    while (valid_ && i < piece.size()) {
      if (missing_ == 0) i = skip_ascii(piece, i);
      if (i < piece.size()) take(static_cast<unsigned char>(piece[i++]));
    }
    return valid_;
  }
  /// Valid, and not in the middle of a character.
  [[nodiscard]] bool complete() const noexcept { return valid_ && missing_ == 0; }
  void reset() noexcept { *this = utf8_validator(); }

private:
  static std::size_t skip_ascii(std::string_view piece, std::size_t i) noexcept {
    constexpr std::uint64_t high_bits = 0x8080808080808080u;
    for (; i + 8 <= piece.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, piece.data() + i, 8);
      if ((word & high_bits) != 0) break;
    }
    while (i < piece.size() && static_cast<unsigned char>(piece[i]) < 0x80) ++i;
    return i;
  }

  void take(unsigned char byte) noexcept {
    if (missing_ > 0) {
      valid_ = byte >= low_ && byte <= high_;
      low_ = 0x80;
      high_ = 0xbf;
      --missing_;
    } else if (byte >= 0xc2 && byte <= 0xdf) {
      missing_ = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
      missing_ = 2;
      if (byte == 0xe0) low_ = 0xa0;  // shorter forms exist
      if (byte == 0xed) high_ = 0x9f; // surrogates
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      missing_ = 3;
      if (byte == 0xf0) low_ = 0x90;
      if (byte == 0xf4) high_ = 0x8f; // above U+10FFFF
    } else {
      valid_ = byte < 0x80;
    }
  }

  std::uint8_t missing_ = 0; // continuation bytes to come
  std::uint8_t low_ = 0x80;  // the range of the next one
  std::uint8_t high_ = 0xbf;
  bool valid_ = true;
};

inline bool is_utf8(std::string_view text) noexcept {
  utf8_validator v;
  return v.feed(text) && v.complete();
}

} // namespace coppice::http::detail
