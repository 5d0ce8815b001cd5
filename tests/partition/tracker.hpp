// Processes that keep account of what they are told of other nodes.
#pragma once

#include "coppice/runtime/api.hpp"

#include <vector>

namespace coppice::partition {

/// Links itself to each of the targets, monitors each twice and the hub of that node by its name, and sends
/// `tied` to who asks when all of them have answered. From then on it answers
///   {told, N, From}  once N of its links and monitors have told
///   {untie, From}    at once, and ends
/// with {Monitors, Links, those told `noconnection`, those told `planned`, those told any other reason, those
/// told more than once, signals of nothing that it is tied to}.
process tracker(self me, atom node, std::vector<pid> targets, pid asker);

/// Watches nodes come and go, and answers {nodes, Node, Ups, Downs, From} once that node has come and gone so
/// often, with {Ups, Downs, how often it came or went twice on end}.
process gazer(self me);

} // namespace coppice::partition
