#include "coppice/otp/gen.hpp"

namespace coppice::detail {

using namespace literals;

void exit_call_failed(const exit_reason& why, const server_name& server, std::string_view request) {
  exit(exit_reason(term::tuple(why.value(), term::tuple("gen_server"_atom, "call"_atom,
                                                        term::list(server.as_term(), atom(request))))));
}

exit_reason calling_self() { return exit_reason("calling_self"_atom); }

void send_cast(const server_name& to, envelope_ptr message) {
  std::optional<pid> target = to.resolve();
  if (!target) return;
  message->form = message_form::cast;
  deliver(running_node(), *target, std::move(message));
}

} // namespace coppice::detail
