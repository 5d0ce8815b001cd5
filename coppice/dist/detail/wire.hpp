// Numbers and texts as the protocols of the distribution write them: big-endian, lengths before texts.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::dist::detail {

template <std::unsigned_integral T>
void put(std::string& out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

/// Takes fields off bytes; from the first that is missing on, all are empty.
class fields {
public:
  explicit fields(std::string_view bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    if (bytes_.size() < sizeof(T)) return missing(T{});
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>((std::uint64_t{value} << 8) | static_cast<std::uint8_t>(bytes_[i]));
    }
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  /// With its length of 16 bits before it.
  std::string text() {
    const std::size_t n = number<std::uint16_t>();
    if (bytes_.size() < n) return missing(std::string());
    std::string taken(bytes_.substr(0, n));
    bytes_.remove_prefix(n);
    return taken;
  }
  /// All that is left.
  std::string rest() {
    std::string taken(bytes_);
    bytes_ = {};
    return taken;
  }
  [[nodiscard]] bool all_there() const noexcept { return all_there_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

private:
  template <class T>
  T missing(T nothing) {
    all_there_ = false;
    bytes_ = {};
    return nothing;
  }
  std::string_view bytes_;
  bool all_there_ = true;
};

} // namespace coppice::dist::detail
