// Any bytes as a frame: no crash; what is taken is bounded; and what a client may say comes back unchanged
// when the server writes it.
#include "servers/chat/proto/frames.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace coppice::chat;

void require(bool ok) {
  if (!ok) std::abort();
}

/// An id and a text that were written as a message are read again as a request.
void check_round_trip(const frames::send& sent) {
  const event e{7, std::make_shared<const chat_message>(
                       chat_message{sent.id, "ann", sent.to, sent.text, 1'760'000'000'000})};
  std::string written = frames::to_json(e);
  require(written.starts_with(R"({"type":"message",)"));
  written.replace(written.find("message"), 7, "send");
  const auto again = frames::parse(written);
  if (!again) {
    require(written.size() > frames::longest); // escapes and fields may make it longer
    return;
  }
  const auto* read = std::get_if<frames::send>(&*again);
  require(read != nullptr && read->id == sent.id && read->to == sent.to && read->text == sent.text);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = frames::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed) {
    require(!parsed.error().text.empty() && parsed.error().text.size() < 200);
    return 0;
  }
  require(size <= frames::longest);
  if (const auto* sent = std::get_if<frames::send>(&*parsed)) check_round_trip(*sent);
  if (const auto* seen = std::get_if<frames::ack>(&*parsed)) require(seen->seq < std::uint64_t{1} << 53U);
  return 0;
}
