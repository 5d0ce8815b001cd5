#include "coppice/otp/detail/child_starter.hpp"

#include "coppice/otp/detail/gen_process.hpp"
#include "coppice/term/text.hpp"

namespace coppice::detail {

using namespace literals;

void wrong_arguments(const std::string& expected, const std::string& got) {
  exit(exit_reason(term::tuple("badarg"_atom, "start_child: the child takes " + expected + ", not " + got)));
}

std::string foreign_arguments::names() const { return to_string(list_, {.limit = 200}); }

start_begun begin_start(std::unique_ptr<gen_process> program, const start_options& options) {
  process_block& me = running_process();
  const std::uint64_t tag = next_unique(*me.home);
  program->prepare(from(*me.home, me.self(), tag), options.name, me.self(), options.hibernate_after);
  spawn_options spawn = options.spawn;
  spawn.link = true;
  open_request(me, pid(), tag);
  try {
    return {spawn_body(spawn, std::move(program)).process, tag, options.timeout};
  } catch (...) { // catch-all: rethrown
    close_request(me, tag);
    throw;
  }
}

} // namespace coppice::detail
