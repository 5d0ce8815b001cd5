// What belongs to a process, ends or changes hands with it: the part of tables that knows no types.
#pragma once

#include "coppice/runtime/detail/envelope.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace coppice {
class node;
} // namespace coppice

namespace coppice::detail {

struct process_block;

class ownership : public std::enable_shared_from_this<ownership> {
public:
  ownership() = default;
  ownership(const ownership&) = delete;
  ownership& operator=(const ownership&) = delete;
  virtual ~ownership() = default;

  /// Null while it is on its way to its next owner, and when it has ended.
  [[nodiscard]] pid owner() const noexcept { return pid{owner_.load(std::memory_order_acquire)}; }
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

  /// Gives it to the running process.
  void begin();
  /// Throws table_error unless the running process owns it.
  void require_owner() const;
  /// Throws table_error if it has ended.
  void require_alive() const;
  void set_heir(pid heir, term data);
  void give_away(pid to, term data);
  /// Frees the content.
  virtual void clear() noexcept = 0;

protected:
  /// What the next owner receives.
  virtual envelope_ptr transfer(pid from, term data) = 0;

private:
  friend std::vector<std::shared_ptr<ownership>> end_ownerships(process_block& p) noexcept;

  /// To the next owner, in order with what is sent to it; should that be dead by then, it ends.
  void send_to(coppice::node& home, pid to, pid from, term data);
  void end() noexcept { ended_.store(true, std::memory_order_release); }

  std::atomic<std::uint64_t> owner_{0};
  std::atomic<bool> ended_{false};
  pid heir_;       // the owner's
  term heir_data_; // the owner's
};

/// The process is dying: what it owns goes to its heirs or ends. Gives what has ended, to be cleared.
std::vector<std::shared_ptr<ownership>> end_ownerships(process_block& p) noexcept;

} // namespace coppice::detail
