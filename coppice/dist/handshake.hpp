// The handshake of the distribution, version 6, both sides, as steps from message to message: no socket, no
// clock, no randomness of its own. ERTS User's Guide, "Distribution Protocol", Distribution Handshake.
//
//   A (connects)                B (accepts)
//   send_name            --->
//                        <---   status: ok, ok_simultaneous, nok, not_allowed, alive
//   [true or false]      --->   [after alive]
//                        <---   challenge
//   reply                --->
//                        <---   ack
//
// Messages are without their length, which is of 16 bits on TCP and of 32 bits within TLS.
#pragma once

#include "coppice/dist/flags.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::dist {

/// Longer messages are none of a handshake.
inline constexpr std::size_t handshake_max_message = 1024;

/// A node as it tells of itself in the handshake.
struct node_identity {
  std::string name;           ///< in full: `cpp@127.0.0.1`
  std::uint32_t creation = 0; ///< tells its incarnations apart
  capabilities can;           ///< what it says that it can do

  friend bool operator==(const node_identity&, const node_identity&) = default;
};

/// What a side brings along.
struct handshake_side {
  node_identity self;          ///< what it tells of itself
  std::string cookie;          ///< shared by the nodes that trust each other; never sent
  std::uint32_t challenge = 0; ///< from a source that nobody can predict; once only
};

/// Why there is no connection.
struct handshake_error {
  /// What can be done about it.
  enum class reason : std::uint8_t {
    protocol,     ///< what came is no message of the handshake, or not its turn
    not_allowed,  ///< the other node refuses ours
    incompatible, ///< it lacks what every node must have
    wrong_name,   ///< it is not the node that was to be reached
    wrong_cookie, ///< it does not know the cookie
    yielded,      ///< its own attempt to reach us goes on in place of this one
    duplicate     ///< there is a connection already
  };
  reason why;          ///< for programs
  std::string message; ///< for people
};

/// What a message leads to: what is to be sent, and, if there will be no connection, why; then the socket is
/// to be closed after it.
struct handshake_step {
  std::vector<std::string> send;                        ///< messages, in order
  std::optional<handshake_error> failed = std::nullopt; ///< it is over
};

/// The answer of a node to another's name.
enum class admission : std::uint8_t {
  ok,              ///< come in
  ok_simultaneous, ///< and our own attempt to reach it has been given up
  nok,             ///< our own attempt goes on: it is to wait for that
  not_allowed,     ///< no
  alive            ///< there is a connection with that name: is it still one?
};

/// Whose attempt goes on when two nodes try to reach each other at the same time: that of the greater name.
/// What the node `own`, which tries already, answers to the attempt of `other`.
constexpr admission when_simultaneous(std::string_view own, std::string_view other) noexcept {
  return other > own ? admission::ok_simultaneous : admission::nok;
}

/// Whether a text can be the full name of a node: of ASCII, with one `@` and something on both sides of it.
[[nodiscard]] bool is_node_name(std::string_view name) noexcept;

/// The side that connects.
class handshake_out {
public:
  /// `dialled`: the node that is to be reached. `connected`: we have a connection with it as far as we know,
  /// which is asked for when it says that it has.
  handshake_out(handshake_side mine, std::string dialled, bool connected);

  /// The first message.
  [[nodiscard]] std::string start() const;
  /// What a message of the other side leads to.
  [[nodiscard]] handshake_step step(std::string_view message);
  /// Whether there is a connection with it by now.
  void set_connected(bool now) noexcept { connected_ = now; }

  /// Both know the cookie: what comes next is no handshake any more.
  [[nodiscard]] bool done() const noexcept { return at_ == stage::done; }
  /// It had a connection with us, which this one takes the place of.
  [[nodiscard]] bool replaces() const noexcept { return replaces_; }
  /// The other node, once it has told.
  [[nodiscard]] const node_identity& peer() const noexcept { return peer_; }
  /// What both can do.
  [[nodiscard]] capabilities common() const noexcept { return expanded(mine_.self.can).common(peer_.can); }

private:
  enum class stage : std::uint8_t { status, challenge, ack, done };
  handshake_step take_status(std::string_view text);
  handshake_step take_challenge(std::string_view message);
  handshake_step take_ack(std::string_view message);

  handshake_side mine_;
  std::string dialled_;
  bool connected_;
  bool replaces_ = false;
  stage at_ = stage::status;
  node_identity peer_;
};

/// The side that accepts. After the other's name `admit` says how to go on; all else is `step`.
class handshake_in {
public:
  /// Waits for the other's name.
  explicit handshake_in(handshake_side mine);

  /// What a message of the other side leads to.
  [[nodiscard]] handshake_step step(std::string_view message);

  /// The other node has told its name, and waits for `admit`.
  [[nodiscard]] bool asks() const noexcept { return at_ == stage::asked; }
  /// It wants a name from us: its own is only a host so far.
  [[nodiscard]] bool wants_name() const noexcept { return wants_name_; }
  /// Answers; what is to be sent. To one that wants a name, `given` is the name and creation it gets.
  [[nodiscard]] handshake_step admit(admission how, const std::optional<node_identity>& given = std::nullopt);

  /// Both know the cookie. The connection that the other had before, if it was told `alive`, is to end now.
  [[nodiscard]] bool done() const noexcept { return at_ == stage::done; }
  /// The other node, once it has told.
  [[nodiscard]] const node_identity& peer() const noexcept { return peer_; }
  /// What both can do.
  [[nodiscard]] capabilities common() const noexcept { return expanded(mine_.self.can).common(peer_.can); }

private:
  enum class stage : std::uint8_t { name, asked, still_alive, complement, reply, done };
  handshake_step take_name(std::string_view message);
  handshake_step take_old_name(std::string_view message);
  handshake_step take_still_alive(std::string_view message);
  handshake_step take_complement(std::string_view message);
  handshake_step take_reply(std::string_view message);
  [[nodiscard]] std::string challenge() const;

  handshake_side mine_;
  stage at_ = stage::name;
  bool wants_name_ = false;
  bool old_ = false; ///< it speaks version 5, and completes what it told later
  node_identity peer_;
};

} // namespace coppice::dist
