// The chat of the tutorial, from step 4 on: inboxes, and news for whoever listens.
#pragma once

#include <coppice/coppice.hpp>
#include <coppice/otp/application.hpp>
#include <coppice/otp/gen_event.hpp>

#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tutorial {

using namespace coppice;

struct send_message {
  std::string user, text;
};
struct get_messages {
  std::string user;
};

struct said {
  std::string user, text;
};

class chat_events : public gen_event {
public:
  using protocol = coppice::protocol<events<said>>;
};

class chat_server : public gen_server {
public:
  using protocol = coppice::protocol<casts<send_message>, calls<get_messages, std::vector<std::string>>>;

  void handle_cast(send_message m) {
    if (m.text.empty()) throw std::invalid_argument("an empty message"); // let it crash
    notify<said>(server_ref<chat_events>("chat_events"), m.user, m.text);
    inbox_[m.user].push_back(std::move(m.text));
  }
  std::vector<std::string> handle_call(const get_messages& m) { return inbox_[m.user]; }

private:
  std::map<std::string, std::vector<std::string>> inbox_;
};

class relay : public event_handler {
public:
  using protocol = coppice::protocol<events<said>>;
  relay(std::string user, pid to) : user_(std::move(user)), to_(to) {}

  void handle_event(const said& e) {
    if (e.user == user_) send(to_, e);
  }

private:
  std::string user_;
  pid to_;
};

class chat_sup : public supervisor {
public:
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<chat_events>("chat_events", local("chat_events")),
            child<chat_server>("chat_server", local("chat_server"))};
  }
};

inline application_spec chat_application() {
  return application_spec("chat", "1.0.0")
      .description("people leave messages for each other")
      .start(child<chat_sup>("chat_sup", local("chat_sup")));
}

} // namespace tutorial
