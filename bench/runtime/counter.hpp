// The server that the calls go to: it counts them.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/process.hpp"

#include <cstdint>

namespace coppice::bench {

struct increment {};

class counter : public gen_server {
public:
  using protocol = coppice::protocol<calls<increment, std::int64_t>>;
  std::int64_t handle_call(increment) { return count_++; }

private:
  std::int64_t count_ = 0;
};

using counter_ref = server_ref<counter>;

/// Starts one that outlives the caller.
inline task<counter_ref> start_counter(self) {
  start_result<counter> started = co_await start<counter>();
  co_return started.value();
}

} // namespace coppice::bench
