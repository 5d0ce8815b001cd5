// Whatever another node asks or answers as a term is read or refused, and what is read is written the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/otp/detail/supervisor_protocol.hpp"
#include "coppice/otp/detail/sys_protocol.hpp"
#include "coppice/otp/handler_id.hpp"
#include "coppice/term/text.hpp"

namespace {

// Each with all that its reader looks for; the fuzzer's bytes spoil one.
constexpr std::string_view server_status =
    "{status,<0.79.0>,{module,gen_server},[[{'$initial_call',{gs,init,1}}],running,<0.9.0>,[],[{header,"
    "\"Status for generic server chat\"},{data,[{\"Status\",running},{\"Logged "
    "events\",[]}]},{data,[{\"State\","
    "1}]},{supervisor,[{\"Callback\",su}]}]]}";
constexpr std::string_view machine_status =
    "{status,<0.82.0>,{module,gen_statem},[[],running,<0.9.0>,[],[{header,\"Status for state machine sm\"},"
    "{data,[{\"Modules\",[sm]},{\"Logged Events\",[]}]},{data,[{\"State\",{idle,data}}]}]]}";
constexpr std::string_view manager_status =
    "{status,<0.83.0>,{module,gen_event},[[],running,<0.9.0>,[],[{header,\"Status for event handler ev\"},"
    "{items,{\"Installed handlers\",[{handler,ge,7,h7,false},{handler,ge,false,h,false}]}}]]}";
constexpr std::string_view figures =
    "{ok,[{start_time,{{2026,11,23},{14,22,52}}},{current_time,{{2026,11,23},{14,23,4}}},{reductions,262},"
    "{messages_in,2},{messages_out,1}]}";
constexpr std::string_view specification =
    "{start_child,#{id => a,start => {m,f,[1]},restart => transient,significant => true,shutdown => 10,"
    "type => worker,modules => [m]}}";
constexpr std::string_view wholes[] = {
    server_status,
    machine_status,
    manager_status,
    figures,
    specification,
    "{start_child,{a,{m,f,[1]},permanent,infinity,supervisor,dynamic}}",
    "[{s,<0.87.0>,supervisor,[m]},{m,<0.86.0>,worker,dynamic},{a,restarting,worker,[]}]",
    "[{specs,3},{active,3},{supervisors,1},{workers,2}]",
    "{ok,#{id => a,start => {m,f,[1]},modules => [m]}}",
    "{error,{no,{child,undefined,z,{su,bad,[]},permanent,false,5000,worker,[su]}}}",
    "{debug,{log,{true,10}}}",
    "{change_code,m,1,x}",
};

/// One of those with bytes exchanged, two bytes saying where and one what; or the bytes themselves.
std::string text_of(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || data[0] >= std::size(wholes)) return {reinterpret_cast<const char*>(data), size};
  std::string text(wholes[data[0]]);
  for (std::size_t i = 1; i + 2 < size; i += 3) {
    text[(data[i] * 256U + data[i + 1]) % text.size()] = static_cast<char>(data[i + 2]);
  }
  return text;
}

/// What is written once comes back.
template <class T>
void reread(const coppice::term& t) {
  const auto value = coppice::from_term<T>(t);
  if (!value) return;
  const coppice::term written = coppice::to_term(*value);
  const auto again = coppice::from_term<T>(written);
  if (!again || coppice::to_term(*again) != written) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  using namespace coppice::detail;
  const auto parsed = parse_term(text_of(data, size), {.size = 1 << 16, .depth = 1000, .digits = 100});
  if (!parsed) return 0;
  if (!sys_request_from_term(*parsed)) std::abort(); // every request has an answer
  reread<sys_request>(*parsed);
  reread<sys_reply<term>>(*parsed);
  reread<sys_reply<atom>>(*parsed);
  reread<sys_reply<sys::status>>(*parsed);
  reread<sys_reply<sys::statistics>>(*parsed);
  reread<sys_reply<std::vector<term>>>(*parsed);
  reread<handler_id>(*parsed);
  reread<asked::start_child>(*parsed);
  reread<asked::start_dynamic>(*parsed);
  reread<supervisor_reply<std::vector<child_info>>>(*parsed);
  reread<supervisor_reply<child_counts>>(*parsed);
  reread<supervisor_reply<child_spec>>(*parsed);
  reread<supervisor_reply<pid>>(*parsed);
  return 0;
}
