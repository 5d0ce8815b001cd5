// Tutorial, step 3: the server crashes, and its supervisor starts it again.
#include <coppice/coppice.hpp>

#include <map>
#include <stdexcept>
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

  void handle_cast(send_message m) {
    if (m.text.empty()) throw std::invalid_argument("an empty message"); // let it crash
    inbox_[m.user].push_back(std::move(m.text));
  }
  std::vector<std::string> handle_call(const get_messages& m) { return inbox_[m.user]; }

private:
  std::map<std::string, std::vector<std::string>> inbox_;
};

class chat_sup : public supervisor {
public:
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<chat_server>("chat_server", local("chat_server"))};
  }
};

task<int> conversation(self me) {
  auto sup = co_await start_link<chat_sup>(local("chat_sup"));
  if (!sup) co_return 1;
  server_ref<chat_server> chat("chat_server"); // by name, so it finds the server again after a restart

  cast<send_message>(chat, "bob", "hello, bob");
  auto before = co_await call<get_messages>(chat, "bob");

  monitor(atom("chat_server"));
  cast<send_message>(chat, "bob", "");
  down crash = co_await me.receive<down>();
  fmt::print("it crashed: {}\n", crash.reason.to_string());

  co_await count_children(*sup); // answered when the restart is done
  cast<send_message>(chat, "bob", "hello again");
  auto after = co_await call<get_messages>(chat, "bob");
  fmt::print("before the crash {} message, after it {}\n", before.size(), after.size());
  co_return before.size() == 1 && after.size() == 1 ? 0 : 1;
}

int main() {
  node n;
  return n.run(conversation);
}
