// The server `hub` of a node under test: it has processes for others to tie themselves to, and answers calls.
#pragma once

#include "coppice/otp/gen_server.hpp"

#include <map>
#include <utility>
#include <vector>

namespace coppice::partition {

/// The same for Erlang's nodes is in partition_node.erl. It answers
///   {targets, N}   with the pids of N processes, which trap exits and answer {hello, From} with {here, Pid}
///   sink           with the pid of a process that keeps count of what it gets (traffic.hpp)
///   {echo, Term}   with the term
///   hold           never
/// and to its own node
///   {die, N}       ends N of the targets with the reason `planned`
///   {broken, N}    once N links of targets have broken, with {How many, How many of them more than once}
///   done           ends all of these processes, and forgets what it knows
class hub : public gen_server {
public:
  using protocol = coppice::protocol<>;

  result<term> handle_call(const term& request, from who);
  void handle_info(const term& message);

private:
  term make_targets(std::int64_t count);
  void end_targets(std::int64_t count);
  void done();
  void answer_broken();

  std::vector<pid> targets_;
  std::vector<pid> sinks_;
  std::vector<from> held_;
  std::map<std::pair<pid, pid>, int> broken_; ///< target and who was linked to it: exit signals
  std::size_t awaited_ = 0;                   ///< links that are to break before the one below is answered
  from asks_;
};

} // namespace coppice::partition
