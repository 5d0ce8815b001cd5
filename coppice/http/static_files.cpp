#include "coppice/http/static_files.hpp"

#include "coppice/http/conditional.hpp"
#include "coppice/http/fields.hpp"
#include "coppice/http/mime.hpp"
#include "coppice/http/static_path.hpp"
#include "coppice/runtime/blocking.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice::http {
namespace detail {

/// An open file; shared with the blocking work that reads it, for the handler may be killed meanwhile.
class open_file {
public:
  explicit open_file(int fd) noexcept : fd_(fd) {}
  ~open_file() { ::close(fd_); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

private:
  int fd_;
};
using file_ref = std::shared_ptr<const open_file>;

struct found_file {
  file_ref file;
  std::uint64_t size = 0;
  validators version;
  std::string content; ///< of a small file
};

enum class trouble : std::uint8_t { not_found, directory, failed };

} // namespace detail

namespace {

using detail::file_ref;
using detail::found_file;
using detail::open_file;
using detail::trouble;

constexpr std::uint64_t read_at_once = 65536; ///< smaller files are read when they are opened
constexpr std::uint64_t piece_size = 130000;  ///< what a slow reader keeps us holding

/// `piece` is the last one, of which the memory is used again.
std::string read_piece(const file_ref& file, std::string piece, std::uint64_t offset, std::uint64_t size) {
  piece.resize(size);
  std::size_t done = 0;
  while (done < piece.size()) {
    ssize_t n =
        ::pread(file->fd(), piece.data() + done, piece.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break; // shorter than it was: the caller sees it
    done += static_cast<std::size_t>(n);
  }
  piece.resize(done);
  return piece;
}

/// Whether the open file lies below the directory, whatever links led to it.
bool lies_below(int fd, const std::string& root) {
  std::unique_ptr<char, void (*)(void*)> real(::realpath(root.c_str(), nullptr), &std::free);
  if (real == nullptr) return false;
  char where[PATH_MAX];
  ssize_t n = ::readlink(fmt::format("/proc/self/fd/{}", fd).c_str(), where, sizeof(where));
  if (n < 0) return false;
  std::string_view path(where, static_cast<std::size_t>(n));
  std::string_view directory(real.get());
  return directory == "/" || (path.starts_with(directory) && path.substr(directory.size()).starts_with('/'));
}

std::expected<found_file, trouble> find_file(const std::string& root, const std::string& path) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    bool nothing = errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP || errno == ENXIO;
    return std::unexpected(nothing ? trouble::not_found : trouble::failed);
  }
  found_file found;
  found.file = std::make_shared<const open_file>(fd);
  struct stat about{};
  if (!lies_below(fd, root) || ::fstat(fd, &about) != 0) return std::unexpected(trouble::not_found);
  if (S_ISDIR(about.st_mode)) return std::unexpected(trouble::directory);
  if (!S_ISREG(about.st_mode)) return std::unexpected(trouble::not_found);
  found.size = static_cast<std::uint64_t>(about.st_size);
  found.version.last_modified = std::chrono::sys_seconds(std::chrono::seconds(about.st_mtim.tv_sec));
  found.version.etag = entity_tag{
      fmt::format("{:x}-{:x}-{:x}", about.st_mtim.tv_sec, about.st_mtim.tv_nsec, found.size), false};
  if (found.size <= read_at_once) {
    found.content = read_piece(found.file, std::string(), 0, found.size);
    found.size = found.content.size();
  }
  return found;
}

response describe_file(const found_file& found, const static_files& files, http::status s) {
  response r(s);
  r.header("etag", format_entity_tag(*found.version.etag));
  r.header("last-modified", format_date(*found.version.last_modified));
  if (!files.cache_control.empty()) r.header("cache-control", files.cache_control);
  for (const auto& [name, value] : files.headers) r.header(name, value);
  return r;
}

/// Part of a file as a piece of a streamed response.
task<> write_part(request& r, const found_file& found, byte_range part) {
  std::uint64_t at = part.first;
  std::string piece;
  while (at <= part.last) {
    std::uint64_t size = std::min(piece_size, part.last - at + 1);
    if (!found.content.empty()) {
      piece = found.content.substr(at, size);
    } else {
      file_ref file = found.file;
      std::string read = co_await blocking(&read_piece, file, std::move(piece), at, size);
      piece = std::move(read);
    }
    if (piece.size() < size) throw disconnected("the file has become shorter");
    co_await r.write(piece);
    at += size;
  }
}

task<response> send_ranges(request& r, const found_file& found, response head, std::vector<byte_range> ranges,
                           std::string type) {
  std::string boundary =
      fmt::format("coppice{:016x}", std::hash<std::string>()(found.version.etag->value) ^ found.size);
  byteranges_plan plan = plan_byteranges(ranges, found.size, type, boundary);
  head.headers.set("content-type", plan.content_type);
  co_await r.start(std::move(head), plan.body_size);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    co_await r.write(plan.prefixes[i]);
    co_await write_part(r, found, ranges[i]);
  }
  co_await r.write(plan.suffix);
  co_return response::streamed();
}

task<response> send_file(request& r, const found_file& found, const static_files& files, std::string type) {
  range_selection wanted = select_ranges(r.head(), found.version, found.size);
  if (wanted.outcome == range_outcome::unsatisfiable) {
    response refused = response::plain_error(status::range_not_satisfiable);
    refused.header("content-range", content_range_unsatisfied(found.size));
    co_return std::move(refused);
  }
  bool partial = wanted.outcome == range_outcome::partial;
  response head = describe_file(found, files, partial ? status::partial_content : status::ok);
  head.header("content-type", type)
      .header("accept-ranges", "bytes")
      .header("x-content-type-options", "nosniff");
  if (partial && wanted.ranges.size() > 1) {
    response sent =
        co_await send_ranges(r, found, std::move(head), std::move(wanted.ranges), std::move(type));
    co_return std::move(sent);
  }
  if (found.size == 0) co_return std::move(head);
  byte_range part{0, found.size - 1};
  if (partial) {
    part = wanted.ranges.front();
    head.header("content-range", content_range(part, found.size));
  }
  if (!found.content.empty()) {
    head.body = found.content.substr(part.first, part.size());
    co_return std::move(head);
  }
  co_await r.start(std::move(head), part.size());
  if (r.method() != method::head) co_await write_part(r, found, part);
  co_return response::streamed();
}

/// The same path with a slash, so that relative links of the index are right.
response to_directory(const request& r) {
  std::string where(r.path());
  where.push_back('/');
  if (!r.head().query().empty()) where.append("?").append(r.head().query());
  return response::redirect(where, status::moved_permanently);
}

/// What the conditions of the request leave of it.
task<response> answer_with(request& r, const found_file& found, const static_files& files, std::string type) {
  switch (check_preconditions(r.head(), found.version)) {
  case precondition::not_modified: co_return describe_file(found, files, status::not_modified);
  case precondition::failed: co_return response::plain_error(status::precondition_failed);
  case precondition::proceed: break;
  }
  response answer = co_await send_file(r, found, files, std::move(type));
  co_return std::move(answer);
}

} // namespace

task<response> serve_file(request& r, const static_files& files) {
  std::vector<std::string> segments = r.path_info();
  if (r.path().ends_with('/')) {
    if (files.index.empty()) co_return response::plain_error(status::not_found);
    segments.push_back(files.index);
  }
  std::expected<std::string, std::string_view> path = static_path(files.root, segments);
  if (!path) co_return response::plain_error(status::not_found);
  std::expected<found_file, trouble> found = co_await blocking(&find_file, files.root, *path);
  if (!found) {
    if (found.error() == trouble::directory) co_return to_directory(r);
    if (found.error() == trouble::not_found) co_return response::plain_error(status::not_found);
    throw std::runtime_error("cannot open " + *path);
  }
  std::string type(content_type(*path));
  response answer = co_await answer_with(r, *found, files, std::move(type));
  co_return std::move(answer);
}

task<response> serve_file_as(request& r, const static_files& files, std::string path, std::string type) {
  std::expected<found_file, trouble> found = co_await blocking(&find_file, files.root, path);
  if (!found && found.error() == trouble::failed) throw std::runtime_error("cannot open " + path);
  if (!found) co_return response::plain_error(status::not_found);
  response answer = co_await answer_with(r, *found, files, std::move(type));
  co_return std::move(answer);
}

} // namespace coppice::http
