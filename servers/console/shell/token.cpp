#include "servers/console/shell/token.hpp"

#include <array>
#include <cerrno>
#include <sys/random.h>
#include <system_error>

namespace coppice::console {

std::string make_token() {
  std::array<unsigned char, 33> bytes{}; // one more, zero, so that groups of three end evenly
  std::size_t have = 0;
  while (have < 32) {
    const ssize_t got = getrandom(bytes.data() + have, 32 - have, 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::system_category(), "getrandom");
    if (got > 0) have += static_cast<std::size_t>(got);
  }
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const unsigned group = static_cast<unsigned>(bytes[i]) << 16U |
                           static_cast<unsigned>(bytes[i + 1]) << 8U | static_cast<unsigned>(bytes[i + 2]);
    for (int shift = 18; shift >= 0; shift -= 6) text += digits[group >> static_cast<unsigned>(shift) & 63U];
  }
  text.resize(43);
  return text;
}

} // namespace coppice::console
