#include "coppice/http/detail/client_pool.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <array>

namespace coppice::http::detail {
namespace {

/// Nothing has come on it: an answer to nothing, and the end, are both reasons not to use it.
bool is_silent(net::stream& connection) {
  std::array<char, 1> byte;
  net::io_result n = connection.try_read(byte);
  return !n && n.error() == std::errc::operation_would_block;
}

} // namespace

void client_pool::handle_call(connection_wanted wanted, reply_to<connection_granted> to) {
  borrower b;
  b.origin = wanted.origin;
  b.monitor = monitor(to.caller());
  leases_.emplace(b.monitor, wanted.lease);
  borrowers_.emplace(wanted.lease, std::move(b));
  place& p = places_[wanted.origin];
  waiting w{wanted.lease, wanted.fresh, std::move(to)};
  if (p.lent < per_origin_) return grant(p, std::move(w));
  p.queue.push_back(std::move(w));
}

void client_pool::grant(place& p, waiting w) {
  ++p.lent;
  borrowers_.at(w.lease).lent = true;
  connection_granted granted;
  if (!w.fresh) granted.connection = take_idle(p);
  w.to.reply(std::move(granted));
}

net::stream client_pool::take_idle(place& p) {
  while (!p.idle.empty()) {
    net::stream last = std::move(p.idle.back().connection);
    p.idle.pop_back();
    --idle_count_;
    if (is_silent(last)) return last;
  }
  return {};
}

void client_pool::keep(place& p, net::stream connection) {
  if (!connection.is_open() || idle_limit_ == 0 || idle_count_ >= idle_limit_) return connection.close();
  p.idle.push_back({std::move(connection), now()});
  ++idle_count_;
  if (std::exchange(looking_, true)) return;
  send_after(idle_timeout_, self_pid(), look_at_idle{});
}

void client_pool::end(const reference& lease, net::stream connection) {
  auto found = borrowers_.find(lease);
  if (found == borrowers_.end()) return;
  borrower b = std::move(found->second);
  borrowers_.erase(found);
  demonitor(b.monitor, true);
  leases_.erase(b.monitor);
  auto at = places_.find(b.origin);
  place& p = at->second;
  if (b.lent) {
    --p.lent;
    keep(p, std::move(connection));
    if (!p.queue.empty()) {
      waiting next = std::move(p.queue.front());
      p.queue.pop_front();
      grant(p, std::move(next));
    }
  } else {
    std::erase_if(p.queue, [&](const waiting& w) { return w.lease == lease; });
  }
  if (p.lent == 0 && p.idle.empty() && p.queue.empty()) places_.erase(at);
}

void client_pool::handle_info(connection_back back) { end(back.lease, std::move(back.connection)); }

void client_pool::handle_info(const down& gone) {
  if (auto found = leases_.find(gone.ref); found != leases_.end()) {
    reference lease = found->second;
    end(lease, net::stream());
  }
}

void client_pool::handle_info(look_at_idle) {
  looking_ = false;
  time_point oldest = time_point::max();
  for (auto at = places_.begin(); at != places_.end();) {
    place& p = at->second;
    while (!p.idle.empty() && p.idle.front().since + idle_timeout_ <= now()) {
      p.idle.front().connection.close();
      p.idle.pop_front();
      --idle_count_;
    }
    if (!p.idle.empty()) oldest = std::min(oldest, p.idle.front().since);
    bool unused = p.lent == 0 && p.idle.empty() && p.queue.empty();
    at = unused ? places_.erase(at) : std::next(at);
  }
  if (oldest == time_point::max()) return;
  looking_ = true;
  send_after(oldest + idle_timeout_ - now(), self_pid(), look_at_idle{});
}

} // namespace coppice::http::detail
