// partition_relay ADDRESS PORT TO_ADDRESS TO_PORT MILLISECONDS: a slow link. Whoever connects here is
// connected there; every byte is held back for so long, in both directions. Prints a line once it listens,
// and ends with its standard input.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using clock = std::chrono::steady_clock;

sockaddr_in address(const char* host, const char* port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  inet_pton(AF_INET, host, &at.sin_addr);
  at.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  return at;
}

/// One direction of a connection. Empty bytes are the end.
class held_back {
public:
  held_back(int from, int to, clock::duration delay) : from_(from), to_(to), delay_(delay) {}

  void read() {
    std::array<char, 64 << 10> bytes;
    const ssize_t n = ::read(from_, bytes.data(), bytes.size());
    if (n < 0) over_ = true;
    if (n <= 0) ended_ = true;
    waiting_.push_back({clock::now() + delay_,
                        std::string(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)))});
  }
  /// Writes what is due.
  void write() {
    while (!waiting_.empty() && waiting_.front().due <= clock::now() && !over_) {
      std::string& first = waiting_.front().bytes;
      if (first.empty()) {
        over_ = true;
        return;
      }
      const ssize_t n = send(to_, first.data(), first.size(), MSG_NOSIGNAL);
      if (n < 0) {
        over_ = true;
        return;
      }
      first.erase(0, static_cast<std::size_t>(n));
      if (first.empty()) waiting_.pop_front();
    }
  }
  [[nodiscard]] int from() const { return from_; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool over() const { return over_; }
  /// Milliseconds until something is due; -1: there is nothing.
  [[nodiscard]] int left() const {
    if (waiting_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(waiting_.front().due - clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }

private:
  struct piece {
    clock::time_point due;
    std::string bytes;
  };
  int from_;
  int to_;
  clock::duration delay_;
  std::deque<piece> waiting_;
  bool ended_ = false;
  bool over_ = false;
};

struct connection {
  connection(int near, int far, clock::duration delay) : there(near, far, delay), back(far, near, delay) {
    const int on = 1;
    for (const int s : {near, far}) setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~connection() {
    close(there.from());
    close(back.from());
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  [[nodiscard]] bool over() const { return there.over() || back.over(); }

  held_back there, back;
};

class relay {
public:
  relay(int listener, const sockaddr_in& to, clock::duration delay)
      : listener_(listener), to_(to), delay_(delay) {}

  void run() {
    while (turn()) {
    }
  }

private:
  bool turn() {
    std::vector<pollfd> all{{0, POLLIN, 0}, {listener_, POLLIN, 0}};
    std::vector<held_back*> readers;
    int patience = -1;
    for (connection& c : connections_) {
      for (held_back* d : {&c.there, &c.back}) {
        if (!d->ended()) {
          all.push_back({d->from(), POLLIN, 0});
          readers.push_back(d);
        }
        if (d->left() >= 0) patience = patience < 0 ? d->left() : std::min(patience, d->left());
      }
    }
    poll(all.data(), all.size(), patience);
    if (all[0].revents != 0) return false;
    for (std::size_t i = 0; i < readers.size(); ++i) {
      if (all[i + 2].revents != 0) readers[i]->read();
    }
    for (connection& c : connections_) {
      c.there.write();
      c.back.write();
    }
    connections_.remove_if([](const connection& c) { return c.over(); });
    if (all[1].revents != 0) welcome();
    return true;
  }

  void welcome() {
    const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (near >= 0 && connect(far, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) == 0) {
      connections_.emplace_back(near, far, delay_);
      return;
    }
    close(near);
    close(far);
  }

  int listener_;
  sockaddr_in to_;
  clock::duration delay_;
  std::list<connection> connections_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in here = address(argv[1], argv[2]);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      listen(listener, 16) != 0) {
    std::perror("partition_relay");
    return 1;
  }
  std::puts("up");
  std::fflush(stdout);
  relay(listener, address(argv[3], argv[4]), std::chrono::milliseconds(std::atoi(argv[5]))).run();
}
