// Applications and their processes for Erlang's observer: OTP's appmon_info.
#pragma once

#include "coppice/dist/functions.hpp"

namespace coppice::dist {

/// `appmon_info:start_link2(Starter, Client, Options)`: starts a server, linked with the client and ended
/// with it, and gives `{ok, Pid}`. By casts of `{From, Command, Aux, OnOff, Options}` it is told what to
/// tell, as `{delivery, Self, Command, Aux, Result}`: at once, and again whenever that has changed, which is
/// looked at every `{timeout, Ms}` of the options (2000; `at_most_once`).
///
/// - `app_ctrl`: `[{Master, Name, {Name, Description, Version}}]` of the applications that run, and of the
///   named supervisors at the top of trees that belong to none;
/// - `app`, of the application `Aux`: `{Root, [{Pid, Text}], [{Text, Text}], [{Text, Text}]}`: its processes
///   by name or pid as text, the links from who started whom, and other links between them. Four times `[]`
///   if it does not run. At most 2000 processes, those nearest to its master, all of this node.
///
/// Other commands are not answered.
task<term> start_application_monitor(function_call call);

} // namespace coppice::dist
