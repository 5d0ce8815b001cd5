// What the workloads of xmpp_bench_load share.
#pragma once

#include "bench/xmpp/client.hpp"
#include "coppice/coppice.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::bench {

/// What all clients share: figures alone, which may be read by anybody.
struct figures {
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<bool> over{false};
};

/// Whom to load, and what came of it.
struct target {
  net::endpoint at;
  net::tls_client tls;
  std::int64_t begun = 0; ///< what was sent before, by an earlier load, does not count
  std::shared_ptr<figures> all = std::make_shared<figures>();
};

/// How fast to send.
struct begin {
  unsigned window = 0;               ///< messages under way; or
  duration every = duration::zero(); ///< the time between two
};

/// How long each message took that one client got.
struct latencies {
  std::vector<std::int64_t> nanoseconds;
};

/// How long a message was under way, whose text says when it was sent; nothing if it is of an earlier load,
/// or something else.
std::optional<std::int64_t> time_under_way(const target& to, const xml::element& stanza);
std::string user(unsigned n);
std::int64_t now_ns();
/// The first failure says what is wrong with all.
void count_failure(const target& to, const std::string& why);
/// Lets it go on for that long, and takes what `clients` heard meanwhile; prints that as one JSON object.
task<> measure(self me, target to, std::string workload, unsigned clients, unsigned heard_by,
               unsigned seconds);

/// A room of so many, of whom one speaks.
task<> run_room(self me, target to, unsigned seconds, unsigned occupants, begin how);

} // namespace coppice::bench

/// What is shared are atomics.
template <>
struct coppice::enable_sendable<coppice::bench::target> : std::true_type {};
