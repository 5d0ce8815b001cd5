// Tutorial, step 4: whoever listens is told, while the server knows none of them.
#include "examples/tutorial/chat.hpp"

using namespace tutorial;

task<int> conversation(self me) {
  auto sup = co_await start_link<chat_sup>(local("chat_sup"));
  if (!sup) co_return 1;
  server_ref<chat_events> events("chat_events");
  server_ref<chat_server> chat("chat_server");

  auto first = co_await add_handler<relay>(events, "bob", me.id());
  auto second = co_await add_handler<relay>(events, with_id("second"), "bob", me.id());
  if (!first || !second) co_return 1;

  cast<send_message>(chat, "carol", "not for bob");
  cast<send_message>(chat, "bob", "hello, bob");
  said one = co_await me.receive<said>();
  said two = co_await me.receive<said>();
  fmt::print("told twice: {}, {}\n", one.text, two.text);
  co_return one.text == "hello, bob" && two.text == "hello, bob" ? 0 : 1;
}

int main() {
  node n;
  return n.run(conversation);
}
