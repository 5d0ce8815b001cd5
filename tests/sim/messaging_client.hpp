// A client of XMPP in a simulated world, with its stream: it speaks with the process of its user as a
// stream's process does, and keeps what it has sent until that is acknowledged (XEP-0198).
#pragma once

#include "coppice/sim/world.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/xml/stream_parser.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace coppice::sim {

class messaging_client;

/// What was said, and what became of it.
struct conversation {
  explicit conversation(world& w) : in(w) {}

  world& in;
  std::optional<store::database> db;
  std::vector<std::string> users;
  std::map<std::string, std::shared_ptr<messaging_client>> clients; ///< by user
  bool over = false;                                                ///< clients go home
  int at_home = 0;                                                  ///< how many have
  pid top;                                                          ///< of the server
  static constexpr int said_again = -1;                             ///< in place of a life
  int life = 0;                                                     ///< how often the program was started
  bool disk_fails = true;                                           ///< else it is sound
  std::map<std::pair<std::string, std::string>, int> said; ///< by user and id: the life in which it was first
  std::map<std::pair<std::string, std::string>, std::string> to;
  std::set<std::pair<std::string, std::string>> acknowledged;
  std::set<std::pair<std::string, std::string>> returned; ///< to its sender, as not to be delivered now
  std::set<pid> safe;                                     ///< not to be killed
  int writing = 0; ///< clients that have something to send, or to hear of
};
using in_conversation = held<conversation>;

/// The connection of one client of that user: it writes some messages and takes what comes. When it is lost
/// the next one follows, until all is over.
void add_messaging_client(in_conversation c, const std::string& user);

} // namespace coppice::sim
