#include "servers/chat/shell/supervisors.hpp"

#include "servers/chat/shell/chat_server.hpp"
#include "servers/chat/shell/directory.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/room.hpp"
#include "servers/chat/shell/room_registry.hpp"
#include "servers/chat/shell/session.hpp"

namespace coppice::chat {

supervisor_flags patient(strategy how) {
  return {.strategy = how, .intensity = 100, .period = std::chrono::seconds(10)};
}

std::vector<child_spec> chat_sup::children() const {
  return {child<mailbox_store>("mailbox_store", local("mailbox_store"), chat_),
          child<directory>("directory", local("directory"), chat_),
          child<session_sup>("session_sup", local("session_sup"), chat_),
          child<room_sup>("room_sup", local("room_sup"), chat_),
          child<room_registry>("room_registry", local("room_registry"), chat_),
          child<chat_server>("chat_server", local("chat_server"), chat_)};
}

std::vector<child_spec> session_sup::children() const {
  return {child_template<session, std::string>("session", chat_).transient()};
}

std::vector<child_spec> room_sup::children() const {
  std::vector<child_spec> rooms;
  for (const room_entry& entry : chat_.read([](const chat_table& t) { return t.rooms(); })) {
    rooms.push_back(room_child(chat_, entry.room));
  }
  return rooms;
}

} // namespace coppice::chat
