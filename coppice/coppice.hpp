// The runtime and the behaviours: what most programs include. Sockets, HTTP and the servers are asked for.
#pragma once

#include "coppice/otp/await_all.hpp"      // IWYU pragma: export
#include "coppice/otp/gen_server.hpp"     // IWYU pragma: export
#include "coppice/otp/gen_statem.hpp"     // IWYU pragma: export
#include "coppice/otp/multi_call.hpp"     // IWYU pragma: export
#include "coppice/otp/ok.hpp"             // IWYU pragma: export
#include "coppice/otp/supervisor.hpp"     // IWYU pragma: export
#include "coppice/otp/sys.hpp"            // IWYU pragma: export
#include "coppice/runtime/api.hpp"        // IWYU pragma: export
#include "coppice/runtime/blocking.hpp"   // IWYU pragma: export
#include "coppice/runtime/info.hpp"       // IWYU pragma: export
#include "coppice/runtime/node.hpp"       // IWYU pragma: export
#include "coppice/runtime/persistent.hpp" // IWYU pragma: export
#include "coppice/runtime/table.hpp"      // IWYU pragma: export
#include "coppice/runtime/timer.hpp"      // IWYU pragma: export
#include "coppice/runtime/trace.hpp"      // IWYU pragma: export
#include "coppice/term/text.hpp"          // IWYU pragma: export
