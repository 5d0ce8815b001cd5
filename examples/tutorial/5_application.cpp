// Tutorial, step 5: the chat as an application, which is started and stopped as a whole.
#include "examples/tutorial/chat.hpp"

#include <cstdio>

using namespace tutorial;

task<bool> conversation(self) {
  server_ref<chat_server> chat("chat_server");
  cast<send_message>(chat, "bob", "hello, bob");
  auto inbox = co_await call<get_messages>(chat, "bob");
  co_return inbox.size() == 1;
}

int main() {
  node n;
  auto up = application::boot(n, {chat_application()});
  if (!up) {
    fmt::print(stderr, "{}\n", up.error().message());
    return 1;
  }
  bool talked = n.run(conversation);
  bool in_time = n.shutdown(); // the applications in order, then what is left
  return talked && in_time ? 0 : 1;
}
