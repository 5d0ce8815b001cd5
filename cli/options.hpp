// The command line of `coppice`, read and checked.
#pragma once

#include "coppice/net/endpoint.hpp"
#include "coppice/otp/logger.hpp"
#include "coppice/term/term.hpp"
#include "servers/messaging/config/configuration.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace coppice::cli {

/// The words of a command line.
using arguments = std::vector<std::string>;

/// A node's place among others.
struct membership_options {
  std::string name;              ///< in full
  std::string cookie_file;       ///< empty: the user's
  bool published = false;        ///< others see it
  std::uint16_t epmd_port = 0;   ///< where its port mapper listens
  std::uint16_t listen_port = 0; ///< 0: any free one
  unsigned net_ticktime = 60;    ///< seconds
};

/// The messaging server's place and ways.
using messaging_options = messaging::configuration;

/// What is to be done about the messaging server's users, or with the server that runs.
enum class user_task : std::uint8_t {
  add,
  passwd,
  remove,
  list,
  kick,
  send,
  inbox,
  rooms,
  sessions,
  backup,
  restore,
  import
};
/// And to whom.
struct user_options {
  user_task what = user_task::list;
  std::string name;    ///< the user, or his address
  std::string path;    ///< of `backup`, `restore` and `import`
  std::string to;      ///< of `send`
  bool unread = false; ///< of `inbox`: what waits for the user
  messaging_options server;
};

/// What `coppice run` was told.
struct run_options {
  net::endpoint listen;               ///< port 0: any free one
  std::vector<std::string> served_as; ///< further names of this node, as browsers send them in Host
  log_format format = log_format::text;
  severity level = severity::notice;
  unsigned cores = 0;                         ///< 0: as many as the machine has
  bool remote = false;                        ///< the address is not a loopback one, and that was meant
  bool console_state = true;                  ///< the console shows states of processes and their messages
  std::optional<membership_options> cluster;  ///< it is one of several
  std::vector<std::string> join;              ///< and shares the chat with these
  std::optional<messaging_options> messaging; ///< it serves XMPP, too
  std::string config_file;                    ///< that this is of, besides the command line; '': none
  bool checks_only = false;                   ///< say whether all is well, and end
  arguments told;                             ///< the command line, to be read again
};

/// What is asked of another node.
enum class question : std::uint8_t { ping, call, cast, nodes, ps, tree };

/// What the commands that ask another node were told.
struct remote_options {
  question what = question::ping;
  std::string node;                ///< in full; of `nodes` a host
  std::string server;              ///< the registered name that is called
  term message;                    ///< what it is told
  std::string name;                ///< our own; empty: any
  std::string cookie_file;         ///< empty: the user's
  std::uint16_t epmd_port = 0;     ///< where its host's port mapper listens
  std::chrono::seconds timeout{5}; ///< for each answer
  bool json = false;               ///< one object instead of text
};

/// Print this and end with that status: help, the version, or what is wrong.
struct just_say {
  int status = 0;
  std::string text;
};

/// Exit statuses of the program.
inline constexpr int status_failed = 1; ///< it was started well and could not do its job
inline constexpr int status_usage = 2;  ///< the command line is wrong

inline constexpr std::uint16_t default_port = 4100;

/// What is to be done.
using command = std::variant<run_options, membership_options, remote_options, user_options, just_say>;

/// Reads nothing but the arguments, the configuration file that they name (they come before what it says),
/// and ERL_EPMD_PORT where that matters. `arguments` without the program's name.
command parse_command_line(arguments told);

} // namespace coppice::cli
