// Reading the arguments of functions that other nodes call. What does not fit is the error `badarg`.
#pragma once

#include "coppice/dist/functions.hpp"
#include "coppice/otp/server_name.hpp"
#include "coppice/runtime/clock.hpp"

#include <cstddef>
#include <vector>

namespace coppice::dist {

/// The argument as an atom.
atom atom_argument(const function_call& call, std::size_t at);
/// The argument as a pid of any node.
pid pid_argument(const function_call& call, std::size_t at);
/// The argument as a pid of this node: the functions that look inside a process take no others.
pid local_pid_argument(const function_call& call, std::size_t at);
/// The argument as an atom, or a list of them.
std::vector<atom> atoms_argument(const function_call& call, std::size_t at);
/// The argument as a server: a pid, a name, or `{Name, Node}` where that is the node `own`.
server_name server_argument(const function_call& call, std::size_t at, const atom& own);
/// The argument as a time-out: milliseconds up to 2^32 - 1, or `infinity`.
duration timeout_argument(const function_call& call, std::size_t at);

/// A name for what a program calls itself by texts that need not be known before: the atom goes when it is
/// unused. `otherwise` if the text cannot be an atom.
atom passing_atom(std::string_view text, const atom& otherwise);

} // namespace coppice::dist
