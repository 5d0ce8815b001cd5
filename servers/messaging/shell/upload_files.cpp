#include "servers/messaging/shell/upload_files.hpp"

#include "servers/messaging/shell/files.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace coppice::messaging {
namespace {

std::string in_part(const std::string& place) { return place + ".part"; }

[[noreturn]] void failed(const char* what, const std::string& where, int error) {
  throw std::runtime_error(std::string(what) + " '" + where + "': " + std::generic_category().message(error));
}

void sync_folder(const std::string& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) failed("cannot open", folder, errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0) failed("cannot write", folder, error);
}

void remove_one(const std::string& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) failed("cannot remove", file, errno);
}

} // namespace

arriving_file::arriving_file(const std::string& folder, const std::string& id)
    : folder_(folder), place_(folder + '/' + id) {
  if (auto made = make_folder(folder); !made) throw std::runtime_error(made.error());
  fd_ = ::open(in_part(place_).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd_ < 0) failed("cannot write", in_part(place_), errno);
}

arriving_file::~arriving_file() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(in_part(place_).c_str());
}

void arriving_file::write(const std::string& piece) {
  const char* at = piece.data();
  std::size_t left = piece.size();
  while (left > 0) {
    const ssize_t n = ::write(fd_, at, left);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) failed("cannot write", in_part(place_), errno);
    at += n;
    left -= static_cast<std::size_t>(n);
  }
}

void arriving_file::keep() {
  if (::fsync(fd_) != 0) failed("cannot write", in_part(place_), errno);
  if (std::rename(in_part(place_).c_str(), place_.c_str()) != 0) failed("cannot write", place_, errno);
  ::close(fd_);
  fd_ = -1;
  sync_folder(folder_);
}

void remove_uploaded(const std::string& folder, const std::string& id) {
  remove_one(in_part(folder + '/' + id));
  remove_one(folder + '/' + id);
}

} // namespace coppice::messaging
