#include "coppice/otp/detail/gen_server_process.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/node.hpp"

namespace coppice {

using namespace literals;

namespace detail {

void gen_server_base::follow(next_step& next) {
  switch (next.what) {
  case next_step::kind::wait: return;
  case next_step::kind::timeout: set_deadline(running_process(), next.time); return;
  case next_step::kind::hibernate:
    if (next.time != infinity) set_deadline(running_process(), next.time);
    hibernate();
    return;
  case next_step::kind::then: go_on(std::move(next.continuation)); return;
  case next_step::kind::stop: stop(std::move(next.reason));
  }
}

/// A continuation may ask for another: in a loop, so that it can do so for ever.
void gen_server_base::go_on(term continuation) {
  if (continuing_ != nullptr) {
    *continuing_ = std::move(continuation);
    return;
  }
  std::optional<term> pending = std::move(continuation);
  continuing_ = &pending;
  while (pending) {
    term current = std::move(*pending);
    pending.reset();
    continue_with(current);
  }
  continuing_ = nullptr;
}

void gen_server_base::on_timeout() { take_timeout(); }

atom gen_server_base::module() const { return "gen_server"_atom; }

} // namespace detail

} // namespace coppice
