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
  case next_step::kind::hibernate: hibernate(); return;
  case next_step::kind::then: {
    term continuation = std::move(next.continuation);
    continue_with(continuation);
    return;
  }
  case next_step::kind::stop: stop(std::move(next.reason));
  }
}

void gen_server_base::on_timeout() { take_timeout(); }

atom gen_server_base::module() const { return "gen_server"_atom; }

} // namespace detail

} // namespace coppice
