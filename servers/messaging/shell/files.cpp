#include "servers/messaging/shell/files.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice::messaging {
namespace {

std::unexpected<std::string> failed(const std::string& what, const std::string& file, int error) {
  return std::unexpected(what + " '" + file + "': " + std::strerror(error));
}

} // namespace

bool is_there(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::exists(file, ignored);
}

std::expected<void, std::string> make_folder(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  const std::filesystem::path above = std::filesystem::path(folder).parent_path();
  if (!above.empty()) std::filesystem::create_directories(above, error);
  if (::mkdir(folder.c_str(), S_IRWXU) != 0) return failed("cannot make the folder", folder, errno);
  return {};
}

std::expected<void, std::string> write_private(const std::string& file, const std::string& text) {
  const std::string beside = file + ".new";
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return failed("cannot write", beside, errno);
  const char* at = text.data();
  std::size_t left = text.size();
  int error = 0;
  while (left > 0 && error == 0) {
    const ssize_t n = ::write(fd, at, left);
    if (n < 0) {
      if (errno != EINTR) error = errno;
      continue;
    }
    at += n;
    left -= static_cast<std::size_t>(n);
  }
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  ::close(fd);
  if (error == 0 && std::rename(beside.c_str(), file.c_str()) != 0) error = errno;
  if (error != 0) return failed("cannot write", file, error);
  return {};
}

std::expected<std::string, std::string> read_file(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return failed("cannot read", file, errno);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

} // namespace coppice::messaging
