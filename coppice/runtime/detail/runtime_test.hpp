// What the runtime's tests share: a quiet node, and a process that waits.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/node.hpp"

namespace coppice::test {

struct stop {};

/// A stepped node that keeps its reports to itself.
inline node_options quiet() {
  node_options options = stepped();
  options.on_report = [](const report&) {};
  return options;
}

/// Lives until it is told to stop; takes nothing else.
inline process waits(self me) { co_await me.receive<stop>(); }

} // namespace coppice::test
