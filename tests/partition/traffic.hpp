// Messages and calls between the nodes under test.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/task.hpp"

namespace coppice::partition {

/// Counts messages {n, Number, Bytes}, and answers {how_many, From} with {seen, Count, Out of order, Wrong}:
/// of a number that is not above the last, and of bytes that are not those of the number. Ends by {end, _}.
process sink(self me);

/// Sends that many messages of so many bytes to a sink on that node, one of 160 KiB between, and makes a call
/// with each sixteenth. Then tells who asks: {flowed, Sent, Seen, Out of order, Wrong}.
process sender(self me, atom node, std::int64_t count, std::int64_t bytes, pid asker);

/// Sends small messages to a sink on that node, whether it can be reached or not, one each two milliseconds,
/// until {stop, From}; answers that as a sender does. Tells the asker when the first has been seen.
process streamer(self me, atom node, pid asker);

/// So many processes that call the hub of that node again and again, at first with a call that is never
/// answered, until {stop, From}, which is answered with {Answered, Failed, Wrong}.
process callers(self me, atom node, std::int64_t count);

} // namespace coppice::partition
