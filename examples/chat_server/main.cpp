// A chat server: users leave messages for each other. The state is lost with the process, the service is not.
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

task<int> demo(self me) {
  auto sup = co_await start_link<chat_sup>();
  server_ref<chat_server> chat("chat_server"); // a name: it finds the server again after a restart

  cast<send_message>(chat, "bob", "hello");
  cast<send_message>(chat, "bob", "are you there?");
  auto before = co_await call<get_messages>(chat, "bob");
  fmt::print("bob has {}\n", before);

  reference crash = monitor(atom("chat_server"));
  cast<send_message>(chat, "bob", "");
  down gone = co_await me.receive<down>();
  fmt::print("the server crashed: {}\n", gone.reason.to_string());

  co_await count_children(*sup); // a supervisor answers when it has done its work: the server is back
  cast<send_message>(chat, "bob", "hello again");
  auto after = co_await call<get_messages>(chat, "bob");
  fmt::print("bob has {}\n", after);
  co_return gone.ref == crash&& before.size() == 2 && after.size() == 1 ? 0 : 1;
}

int main() {
  node n;
  return n.run(demo);
}
