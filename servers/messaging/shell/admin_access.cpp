#include "servers/messaging/shell/admin_access.hpp"

#include "servers/messaging/shell/files.hpp"
#include "servers/messaging/shell/host.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace coppice::messaging {
namespace {

std::string token_file(const std::string& folder) { return folder + "/admin-token"; }
std::string lock_file(const std::string& folder) { return folder + "/running"; }

/// On the whole file, of whoever has it open.
struct flock whole_file() {
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

std::string why(const char* what, const std::string& file) {
  return std::string(what) + " '" + file + "': " + std::strerror(errno);
}

std::expected<std::string, std::string> read_token(const std::string& folder) {
  auto text = read_file(token_file(folder));
  if (text && text->ends_with('\n')) text->pop_back();
  if (text && text->size() < 20) {
    return std::unexpected("'" + token_file(folder) +
                           "' is too short for a token: delete it, and start anew");
  }
  return text;
}

} // namespace

std::expected<admin_access, std::string> admin_access::open(const std::string& folder) {
  if (auto made = make_folder(folder); !made) return std::unexpected(made.error());
  const std::string file = lock_file(folder);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return std::unexpected(why("cannot write", file));
  admin_access made(fd, "");
  struct flock lock = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return std::unexpected(why("cannot lock", file));
    return std::unexpected("another server runs with the folder '" + folder + "'; end it first");
  }
  if (::ftruncate(fd, 0) != 0) return std::unexpected(why("cannot write", file));
  if (!is_there(token_file(folder))) {
    if (auto written = write_private(token_file(folder), unguessable() + unguessable() + "\n"); !written) {
      return std::unexpected(written.error());
    }
  }
  auto token = read_token(folder);
  if (!token) return std::unexpected(token.error());
  made.token_ = std::move(*token);
  return made;
}

admin_access::admin_access(admin_access&& other) noexcept
    : file_(std::exchange(other.file_, -1)), token_(std::move(other.token_)) {}

admin_access& admin_access::operator=(admin_access&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(token_, other.token_);
  return *this;
}

admin_access::~admin_access() {
  if (file_ >= 0) ::close(file_);
}

bool admin_access::announce(const std::string& url) const {
  const std::string line = url + "\n";
  return ::pwrite(file_, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
}

std::expected<std::optional<running_server>, std::string> find_running_server(const std::string& folder) {
  const std::string file = lock_file(folder);
  const int fd = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(why("cannot read", file));
  }
  struct flock lock = whole_file();
  const bool looked = ::fcntl(fd, F_OFD_GETLK, &lock) == 0;
  ::close(fd);
  if (!looked || lock.l_type == F_UNLCK) return std::nullopt;
  auto url = read_file(file);
  if (!url) return std::unexpected(url.error());
  if (!url->ends_with('\n')) return std::nullopt;
  url->pop_back();
  auto token = read_token(folder);
  if (!token) return std::unexpected(token.error());
  return running_server{std::move(*url), std::move(*token)};
}

} // namespace coppice::messaging
