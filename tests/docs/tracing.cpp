// docs/tracing.md
#include "coppice/runtime/trace.hpp"

#include "coppice/runtime/process.hpp"
#include "coppice/term/text.hpp"

using namespace coppice;

void note(const std::string& line);

task<> look(self me, pid suspect) {
  trace(this_node(), suspect, {.send = true, .receive = true}, trace_to(this_node(), me));
  term event = co_await me.receive<term>();

  trace_all(this_node(), {.procs = true}, [](const trace_event& e) { note(to_string(e.as_term())); });
  trace_off(this_node());
}
