#include "servers/chat/shell/chat.hpp"

#include <fmt/format.h>

#include <random>

namespace coppice::chat {

std::string unique_text() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

// The epoch is another one each time, so that clients notice that the numbering begins again.
chat::shared::shared(options o)
    : settings(std::move(o)), table(unique_text(), settings.limits),
      part(settings.node_name, std::uint64_t{std::random_device()()} << 20U) {}

chat::chat(options settings) : state_(std::make_shared<shared>(std::move(settings))) {}

} // namespace coppice::chat
