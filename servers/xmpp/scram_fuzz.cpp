// Any bytes as both messages of a client: no proof comes out of them.
#include "servers/xmpp/scram.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice::xmpp;
  if (size == 0) return 0;
  const std::string_view all(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t cut = all.find('\n');
  const bool plus = (data[0] & 1U) != 0;
  std::vector<channel_binding> offered;
  if ((data[0] & 2U) != 0) offered.push_back({"tls-exporter", "bytes"});
  scram_server server(scram_hash::sha256, plus, std::move(offered), "xyz");
  if (!server.first(all.substr(0, cut))) return 0;
  (void)server.challenge({scram_hash::sha256, 4096, "salt", std::string(32, 's'), std::string(32, 'k')});
  if (server.last(cut == std::string_view::npos ? "" : all.substr(cut + 1))) std::abort();
  return 0;
}
