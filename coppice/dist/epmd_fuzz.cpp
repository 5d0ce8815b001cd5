// Requests and answers of the port mapper's protocol: whatever is read is written as it was.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/dist/epmd_protocol.hpp"

namespace dist = coppice::dist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto request = dist::parse_epmd_request(bytes);
  if (request && !std::holds_alternative<dist::epmd_names>(*request) &&
      dist::to_bytes(*request).substr(2) != bytes) {
    std::abort();
  }
  const dist::port_result found = dist::parse_port_answer(bytes);
  if (found.entry && !bytes.starts_with(dist::port_answer(found.entry).substr(0, 10))) std::abort();
  const dist::alive_result listed = dist::parse_alive_answer(bytes);
  if (listed.creation && listed.state != dist::answer_state::complete) std::abort();
  const auto names = dist::parse_names_answer(bytes);
  if (names && names->size() > bytes.size()) std::abort();
  return 0;
}
