// What Erlang's observer and etop ask of the node that they show: the functions of OTP's observer_backend and
// appmon_info.
#pragma once

#include "coppice/dist/functions.hpp"

namespace coppice::dist {

/// Adds
///
/// - of `observer_backend`: vsn/0, sys_info/0, procs_info/1, etop_collect/1, fetch_stats/2, get_port_list/0,
///   socket_info/0, get_socket_list/0, get_table_list/2 and get_table/3. There are no ports, no sockets of
///   OTP's kind and no ets tables; the figures are those of system_figures.hpp;
/// - `appmon_info:start_link2/3`, see observer_applications.hpp.
///
/// A process that does not answer within 100 ms, as its own code goes on and on, is listed without its
/// memory.
void add_observer_functions(function_table& table);

} // namespace coppice::dist
