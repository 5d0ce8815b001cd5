#include "servers/messaging/shell/chat.hpp"

#include <fmt/format.h>

#include <random>

namespace coppice::messaging {
namespace {

/// Another one each time, so that clients notice that the numbering begins again.
std::string new_epoch() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

} // namespace

chat::shared::shared(options o) : settings(std::move(o)), table(new_epoch(), settings.limits) {}

chat::chat(options settings) : state_(std::make_shared<shared>(std::move(settings))) {}

} // namespace coppice::messaging
