#include "cli/cookie.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace coppice::cli {
namespace {

constexpr std::size_t longest = 255;
constexpr mode_t of_others = S_IRWXG | S_IRWXO;

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

std::unexpected<std::string> wrong(const std::string& file, const std::string& what) {
  return std::unexpected(fmt::format("the cookie file {}: {}", file, what));
}

std::string reason() { return std::system_category().message(errno); }

std::expected<std::string, std::string> checked(const std::string& file, std::string text) {
  text.erase(text.find_last_not_of(" \r\n") + 1);
  if (text.empty()) return wrong(file, "there is nothing in it. Write the cookie of the cluster into it");
  const bool printable = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable || text.size() > longest) {
    return wrong(file, fmt::format("a cookie is one line of printable ASCII of {} bytes at most", longest));
  }
  return text;
}

} // namespace

std::expected<std::string, std::string> read_cookie(const std::string& given) {
  std::string file = given;
  if (file.empty()) {
    const char* home = std::getenv("HOME");
    if (home == nullptr) {
      return std::unexpected("HOME is not set: say where the cookie is with --cookie-file FILE");
    }
    file = std::string(home) + "/.erlang.cookie";
  }
  const descriptor in(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about{};
  if (in.get() < 0 || fstat(in.get(), &about) != 0) {
    return wrong(file, reason() + ". Say where the cookie of the cluster is with --cookie-file FILE");
  }
  if (!S_ISREG(about.st_mode)) return wrong(file, "it is no file");
  if ((about.st_mode & of_others) != 0) {
    return wrong(file, fmt::format("others than its owner have rights to it (mode {:03o}). Take them away: "
                                   "chmod 600 {}",
                                   about.st_mode & 0777U, file));
  }
  std::array<char, 2 * longest> buffer{};
  const ssize_t size = read(in.get(), buffer.data(), buffer.size());
  if (size < 0) return wrong(file, reason());
  return checked(file, std::string(buffer.data(), static_cast<std::size_t>(size)));
}

} // namespace coppice::cli
