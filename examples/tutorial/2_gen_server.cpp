// Tutorial, step 2: a server with state, which is cast to and called.
#include <coppice/coppice.hpp>

#include <fmt/ranges.h>

#include <map>
#include <string>
#include <vector>

using namespace coppice;

struct send_message {
  std::string user, text;
};
struct get_messages {
  std::string user;
};

class chat_server : public gen_server {
public:
  using protocol = coppice::protocol<casts<send_message>, calls<get_messages, std::vector<std::string>>>;

  void handle_cast(send_message m) { inbox_[m.user].push_back(std::move(m.text)); }
  std::vector<std::string> handle_call(const get_messages& m) { return inbox_[m.user]; }

private:
  std::map<std::string, std::vector<std::string>> inbox_;
};

task<int> conversation(self) {
  auto chat = co_await start_link<chat_server>();
  if (!chat) co_return 1;

  cast<send_message>(*chat, "bob", "hello, bob");
  cast<send_message>(*chat, "bob", "are you there?");
  auto inbox = co_await call<get_messages>(*chat, "bob");
  fmt::print("bob has {}\n", inbox);

  co_await stop(chat->name());
  auto nobody = co_await try_call<get_messages>(*chat, "bob");
  if (!nobody) fmt::print("no answer: {}\n", nobody.error().to_string());
  co_return inbox.size() == 2 && !nobody ? 0 : 1;
}

int main() {
  node n;
  return n.run(conversation);
}
