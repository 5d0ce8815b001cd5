#include "coppice/net/socket.hpp"

#include "coppice/net/detail/tls_session.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace coppice::net {
namespace {

std::error_code last_error() noexcept { return {errno, std::system_category()}; }
std::error_code timed_out() noexcept { return std::make_error_code(std::errc::timed_out); }

socklen_t to_sockaddr(const endpoint& e, sockaddr_storage& out) noexcept {
  std::memset(&out, 0, sizeof(out));
  if (e.is_v6()) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(e.port());
    v6.sin6_scope_id = e.scope();
    std::memcpy(&v6.sin6_addr, e.bytes().data(), 16);
    return sizeof(sockaddr_in6);
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(out);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(e.port());
  std::memcpy(&v4.sin_addr, e.bytes().data(), 4);
  return sizeof(sockaddr_in);
}

endpoint from_sockaddr(const sockaddr_storage& in) noexcept {
  if (in.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(in);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, 16);
    return endpoint::v6(bytes, ntohs(v6.sin6_port), v6.sin6_scope_id);
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(in);
  std::array<std::uint8_t, 4> bytes{};
  std::memcpy(bytes.data(), &v4.sin_addr, 4);
  return endpoint::v4(bytes, ntohs(v4.sin_port));
}

using name_function = int (*)(int, sockaddr*, socklen_t*);

std::expected<endpoint, std::error_code> name_of(int fd, name_function get) noexcept {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (get(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::unexpected(last_error());
  return from_sockaddr(storage);
}

int open_stream_socket(const endpoint& e) noexcept {
  return ::socket(e.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

void set_flag(int fd, int level, int name, bool on) noexcept {
  int value = on ? 1 : 0;
  ::setsockopt(fd, level, name, &value, sizeof(value));
}

} // namespace

namespace detail {

bool spend_for_io(std::size_t bytes) noexcept {
  coppice::detail::context& c = coppice::detail::current();
  auto cost = static_cast<std::uint32_t>(8 + std::min<std::size_t>(bytes / 512, 1000));
  c.budget -= std::min(c.budget, cost);
  return c.budget != 0;
}

void descriptor::close() noexcept {
  registration_.reset();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

registration& descriptor::registered() {
  if (registration_ == nullptr) registration_ = std::make_unique<registration>(fd_);
  return *registration_;
}

std::uint64_t descriptor::id() {
  if (id_ == 0) id_ = coppice::detail::next_unique(coppice::detail::running_node());
  return id_;
}

io_wait::io_wait(descriptor& d, direction way, duration timeout)
    : descriptor_(d), process_(coppice::detail::running_process()), timeout_(timeout), way_(way) {
  over = &io_wait::look;
}

bool io_wait::would_block() noexcept { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

bool io_wait::settled(const tls_step& step) noexcept {
  moved_ += step.moved;
  error_ = step.error;
  if (step.result == tls_step::outcome::wants_read) way_ = direction::read;
  if (step.result == tls_step::outcome::wants_write) way_ = direction::write;
  return step.result == tls_step::outcome::over;
}

bool io_wait::await_ready() {
  if (descriptor_.fd() < 0) error_ = std::make_error_code(std::errc::bad_file_descriptor);
  if (error_ || attempt()) {
    done_ = true;
    return spend_for_io(moved_) && process_.blocked_tag == 0;
  }
  if (timeout_ <= duration::zero()) {
    error_ = timed_out();
    return done_ = true;
  }
  coppice::detail::runtime_section section;
  arm();
  timed_ = timeout_ != infinity;
  if (timed_) coppice::detail::set_deadline(process_, timeout_);
  return false;
}

void io_wait::arm() {
  registration& r = descriptor_.registered();
  tag_ = coppice::detail::next_unique(*process_.home);
  coppice::detail::expect_completion(process_, tag_);
  r.complete_when(way_, process_, tag_);
}

void io_wait::await_suspend(std::coroutine_handle<> caller) noexcept {
  process_.waiting = this;
  process_.resume = caller;
}

bool io_wait::look(waiter& w, coppice::detail::process_block& p) {
  auto& me = static_cast<io_wait&>(w);
  if (me.done_) return true;
  if (p.arrived != nullptr) {
    coppice::detail::envelope_ptr event = coppice::detail::take_completion(p);
    me.tag_ = 0;
    me.woken_ = true;
    if (me.attempt()) {
      spend_for_io(me.moved_);
      return me.done_ = true;
    }
    if (!p.timed_out) {
      me.arm();
      return false;
    }
  }
  if (!p.timed_out) return false;
  me.error_ = timed_out();
  return me.done_ = true;
}

void io_wait::finish() noexcept {
  if (timed_) coppice::detail::clear_deadline(process_);
  if (tag_ == 0) return;
  coppice::detail::envelope_ptr late = coppice::detail::take_completion(process_);
  if (registration* r = descriptor_.registered_or_null()) r->forget(way_);
}

} // namespace detail

// --- the operations ---

bool read_awaiter::attempt() noexcept {
  if (tls_ != nullptr) [[unlikely]]
    return read_tls();
  ssize_t n = ::recv(fd(), into_.data(), into_.size(), 0);
  if (n < 0) {
    if (would_block()) return false;
    error_ = last_error();
    return true;
  }
  moved_ = static_cast<std::size_t>(n);
  return true;
}

bool read_awaiter::read_tls() noexcept { return settled(tls_->read(into_)); }

io_result read_awaiter::await_resume() noexcept {
  finish();
  if (error_) return std::unexpected(error_);
  return moved_;
}

bool write_awaiter::attempt() noexcept {
  if (tls_ != nullptr) [[unlikely]]
    return write_tls();
  return many_.empty() ? write_one() : write_many();
}

bool write_awaiter::write_one() noexcept {
  while (!one_.empty()) {
    ssize_t n = ::send(fd(), one_.data(), one_.size(), MSG_NOSIGNAL);
    if (n < 0) {
      if (would_block()) return false;
      error_ = last_error();
      return true;
    }
    moved_ += static_cast<std::size_t>(n);
    one_.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool write_awaiter::write_many() noexcept {
  constexpr std::size_t batch = 64;
  for (;;) {
    std::array<iovec, batch> vectors;
    std::size_t count = 0;
    while (next_ < many_.size() && many_[next_].empty()) ++next_;
    for (std::size_t i = next_; i < many_.size() && count < batch; ++i) {
      vectors[count++] = {const_cast<char*>(many_[i].data()), many_[i].size()};
    }
    if (count == 0) return true;
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    ssize_t n = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (would_block()) return false;
      error_ = last_error();
      return true;
    }
    moved_ += static_cast<std::size_t>(n);
    drop(static_cast<std::size_t>(n));
  }
}

/// Of many_.
void write_awaiter::drop(std::size_t bytes) noexcept {
  while (bytes > 0) {
    std::size_t taken = std::min(bytes, many_[next_].size());
    many_[next_].remove_prefix(taken);
    bytes -= taken;
    if (many_[next_].empty()) ++next_;
  }
}

/// Small pieces share a record. A step that has to wait is repeated with the same bytes, gathered again.
bool write_awaiter::write_tls() noexcept {
  constexpr std::size_t record = 16384;
  if (many_.empty()) return encrypt(one_);
  std::array<char, record> gathered;
  for (;;) {
    while (next_ < many_.size() && many_[next_].empty()) ++next_;
    if (next_ == many_.size()) return true;
    std::string_view data = many_[next_].substr(0, record);
    if (data.size() < record && next_ + 1 < many_.size()) {
      std::size_t size = 0;
      for (std::size_t i = next_; i < many_.size() && size < record; ++i) {
        size += many_[i].copy(gathered.data() + size, record - size);
      }
      data = std::string_view(gathered.data(), size);
    }
    detail::tls_step step = tls_->write(data);
    if (!settled(step)) return false;
    if (error_) return true;
    drop(step.moved);
  }
}

bool write_awaiter::encrypt(std::string_view data) noexcept {
  while (!data.empty()) {
    detail::tls_step step = tls_->write(data);
    if (!settled(step)) return false;
    if (error_) return true;
    data.remove_prefix(step.moved);
    one_ = data;
  }
  return true;
}

io_result write_awaiter::await_resume() noexcept {
  finish();
  if (error_) return std::unexpected(error_);
  return moved_;
}

bool ready_awaiter::attempt() noexcept {
  if (way_ == detail::direction::read) return woken_; // the read that follows asks the system anyway
  pollfd one{fd(), POLLOUT, 0};
  return ::poll(&one, 1, 0) != 0; // an error too: what comes next will tell
}

io_outcome ready_awaiter::await_resume() noexcept {
  finish();
  if (error_) return std::unexpected(error_);
  return {};
}

// --- tcp_socket ---

io_result tcp_socket::try_read(std::span<char> into) noexcept {
  ssize_t n = ::recv(descriptor_.fd(), into.data(), into.size(), 0);
  if (n < 0) return std::unexpected(last_error());
  detail::spend_for_io(static_cast<std::size_t>(n));
  return static_cast<std::size_t>(n);
}

io_result tcp_socket::try_write(std::string_view data) noexcept {
  ssize_t n = ::send(descriptor_.fd(), data.data(), data.size(), MSG_NOSIGNAL);
  if (n < 0) return std::unexpected(last_error());
  detail::spend_for_io(static_cast<std::size_t>(n));
  return static_cast<std::size_t>(n);
}

void tcp_socket::arm_readable() {
  descriptor_.registered().tell_when(detail::direction::read, coppice::detail::running_process(), id());
}
void tcp_socket::arm_writable() {
  descriptor_.registered().tell_when(detail::direction::write, coppice::detail::running_process(), id());
}

void tcp_socket::shutdown_write() noexcept { ::shutdown(descriptor_.fd(), SHUT_WR); }
std::expected<endpoint, std::error_code> tcp_socket::local() const {
  return name_of(descriptor_.fd(), &::getsockname);
}
std::expected<endpoint, std::error_code> tcp_socket::remote() const {
  return name_of(descriptor_.fd(), &::getpeername);
}
void tcp_socket::no_delay(bool on) noexcept { set_flag(descriptor_.fd(), IPPROTO_TCP, TCP_NODELAY, on); }

// --- connecting ---

task<std::expected<tcp_socket, std::error_code>> connect(endpoint to, duration timeout) {
  int fd = open_stream_socket(to);
  if (fd < 0) co_return std::unexpected(last_error());
  tcp_socket socket(fd);
  socket.no_delay(true);
  sockaddr_storage address{};
  socklen_t size = to_sockaddr(to, address);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) co_return std::unexpected(last_error());
    io_outcome done = co_await socket.wait_writable(timeout);
    if (!done) co_return std::unexpected(done.error());
    int error = 0;
    socklen_t error_size = sizeof(error);
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) error = errno;
    if (error != 0) co_return std::unexpected(std::error_code(error, std::system_category()));
  }
  co_return std::move(socket);
}

namespace {

using addresses = std::expected<std::vector<endpoint>, std::string>;

struct looked_up {
  reference request;
  addresses found;
};

addresses look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0) return std::unexpected("'" + host + "' was not found: " + gai_strerror(failed));
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
  std::vector<endpoint> all;
  for (addrinfo* a = list; a != nullptr; a = a->ai_next) {
    if (a->ai_family != AF_INET && a->ai_family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, a->ai_addr, a->ai_addrlen);
    all.push_back(from_sockaddr(storage));
  }
  return all;
}

process resolver(self, pid asker, reference request, std::string host, std::uint16_t port) {
  addresses found = co_await blocking(&look_up, host, port);
  looked_up answer{request, std::move(found)};
  send(asker, std::move(answer));
}

/// A receive of the answer to one request.
struct answers {
  reference request;
  bool operator()(const looked_up& a) const { return a.request == request; }
};

} // namespace

task<addresses> resolve(std::string host, std::uint16_t port, duration timeout) {
  // In a process of its own: a resolver that hangs costs one thread of the pool, and the asker only its time.
  self me(coppice::detail::running_process());
  reference request = make_ref();
  std::string wanted = host;
  spawn(&resolver, me.id(), request, std::move(wanted), port);
  answers mine{request};
  std::optional<looked_up> answer = co_await me.receive_if<looked_up>(mine, timeout);
  if (!answer) co_return std::unexpected("'" + host + "' was not found in time");
  co_return std::move(answer->found);
}

// --- listening ---

std::expected<listen_socket, std::error_code> listen_socket::open(const endpoint& at,
                                                                  const listen_options& options) {
  int fd = open_stream_socket(at);
  if (fd < 0) return std::unexpected(last_error());
  listen_socket socket(fd);
  set_flag(fd, SOL_SOCKET, SO_REUSEADDR, true);
  if (options.reuse_port) set_flag(fd, SOL_SOCKET, SO_REUSEPORT, true);
  sockaddr_storage address{};
  socklen_t size = to_sockaddr(at, address);
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, options.backlog) != 0) {
    return std::unexpected(last_error());
  }
  return socket;
}

std::expected<tcp_socket, std::error_code> listen_socket::try_accept() noexcept {
  int fd = ::accept4(descriptor_.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return std::unexpected(last_error());
  tcp_socket socket(fd);
  socket.no_delay(true);
  return socket;
}

std::expected<listen_socket, std::error_code> listen_socket::duplicate() const noexcept {
  int fd = ::fcntl(descriptor_.fd(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(last_error());
  return listen_socket(fd);
}

std::expected<endpoint, std::error_code> listen_socket::local() const {
  return name_of(descriptor_.fd(), &::getsockname);
}

} // namespace coppice::net
