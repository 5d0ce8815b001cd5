// Keeps messages: the one way from the processes of users and rooms into archives and offline stores.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/offline.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::messaging {

/// What is kept together, or not at all.
struct keep_job {
  std::string owner;                             ///< whose archive, who is away: a bare address
  std::optional<storage::archive_entry> archive; ///< into the archive
  std::optional<storage::offline_message> away;  ///< until he comes; its id is that of the message
};
/// Keep that. `kept` follows when it is committed.
struct keep {
  pid from;
  std::uint64_t token = 0;
  std::shared_ptr<const keep_job> job;
};
/// It is committed; or it cannot be, and whoever sent it is not to believe it is.
struct kept {
  std::uint64_t token = 0;
  bool well = true;
  bool full = false; ///< there was no room for what was to wait
};

/// Registered as `keeper`. Whatever waits in its mailbox goes into one transaction. It holds nothing that
/// others do not have, too: when it dies they send again, and what is kept already is not kept twice.
class keeper : public gen_server {
public:
  using protocol = coppice::protocol<casts<keep>>;

  explicit keeper(host h) : host_(std::move(h)) {}

  result<> handle_cast(keep m);
  task<> handle_continue(term what);
  task<> handle_timeout();
  [[nodiscard]] term state() const;

private:
  task<> write();

  host host_;
  std::vector<keep> waiting_;
  std::uint64_t jobs_ = 0;
  std::uint64_t commits_ = 0;
};

} // namespace coppice::messaging
