#include "servers/chat/shell/chat_server.hpp"

#include "servers/chat/shell/mailbox_store.hpp"

#include <fmt/format.h>

#include <random>

namespace coppice::chat {
namespace {

constexpr const char* own_name = "chat_server";

} // namespace

chat_server::chat_server(chat c) : chat_(std::move(c)), run_(std::to_string(std::random_device()())) {}

task<> chat_server::handle_cast(send_message m) {
  post_message request{own_name, fmt::format("{}-{:08x}", run_, ++sent_), std::move(m.user),
                       std::move(m.text)};
  auto done = co_await ask_store(std::move(request));
  if (!done || !*done) co_return;                        // a cast tells nobody
  ack_events seen = chat_.read([](const chat_table& t) { // nobody reads this mailbox
    return ack_events{own_name, t.state_of(own_name).value_or(mailbox_state()).last, t.epoch()};
  });
  std::optional<ok> acked = co_await ask_store(std::move(seen));
  static_cast<void>(acked);
}

std::vector<std::string> chat_server::handle_call(const get_messages& m) const {
  const event_range kept = chat_.read([&](const chat_table& t) { return t.events_after(m.user, 0); });
  std::vector<std::string> texts;
  for (const event_ptr& e : kept.events) {
    const chat_message* said = e->message();
    if (said != nullptr && said->from != m.user) texts.push_back(said->text);
  }
  return texts;
}

} // namespace coppice::chat
