// What the server has done since its start, in numbers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace coppice::messaging {

/// One number, of a cache line of its own: all cores count. Thread-safe.
class alignas(64) counter {
public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void take(std::uint64_t n = 1) noexcept { value_.fetch_sub(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// How they come.
enum class transport : std::uint8_t { tcp, websocket };

/// All of them. Thread-safe.
struct counts {
  std::array<counter, 2> streams;  ///< that are open, by `transport`
  std::array<counter, 2> opened;   ///< that were ever, likewise
  std::array<counter, 4> received; ///< stanzas of clients that are signed in, by `xmpp::stanza_kind`
  counter sent;                    ///< stanzas to clients
  counter sign_ins;
  counter resumptions;
  counter registrations; ///< accounts that strangers have made (XEP-0077)
  counter failures;      ///< to sign in
  counter throttled;     ///< attempts that had to wait
  counter shaped;        ///< times that a client was made to wait because it sent too fast
  counter refused;       ///< connections from addresses that had too many
  counter stream_errors;
  counter bytes_received; ///< of clients
  counter bytes_sent;     ///< to clients
  counter uploaded;       ///< bytes of files that have come whole
};

/// Counts a stream among those that are open as long as it lives.
class open_stream {
public:
  open_stream(counts& in, transport by) noexcept : streams_(in.streams.at(static_cast<std::size_t>(by))) {
    in.opened.at(static_cast<std::size_t>(by)).add();
    streams_.add();
  }
  ~open_stream() { streams_.take(); }
  open_stream(const open_stream&) = delete;
  open_stream& operator=(const open_stream&) = delete;

private:
  counter& streams_;
};

} // namespace coppice::messaging
