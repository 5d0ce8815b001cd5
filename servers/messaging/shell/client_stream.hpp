// A client's stream, whatever carries it: from the first element to the last. It negotiates, then passes what
// the client sends to the process of its user, and what that has for it to the client.
#pragma once

#include "coppice/net/listener.hpp"
#include "coppice/runtime/process.hpp"
#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/shell/messages.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/xmpp/negotiation.hpp"
#include "servers/xmpp/registration.hpp"

#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::messaging {

/// Time for the client to be bound is over.
struct negotiation_timeout {};
/// A client that has sent too fast has waited long enough.
struct pause_over {};
/// Time to look for the user's process again.
struct look_again {};

/// The messages that a stream's process receives and hands to `take_news`.
using stream_news = std::variant<to_client, took_from_client, end_stream, negotiation_timeout, look_again,
                                 pause_over, down, net::drain>;

/// What was received, which is one of them.
template <class Got>
stream_news as_news(Got& got) {
  return std::visit(
      [](auto& m) -> stream_news {
        if constexpr (std::is_constructible_v<stream_news, decltype(std::move(m))>) return std::move(m);
        std::unreachable();
      },
      got);
}

/// Strangers have little to say.
inline constexpr xml::parser_limits for_strangers{
    .stanza = std::size_t{16} << 10, .depth = 8, .attributes = 16, .parts = 100};

/// One stream, inside of its process. The process gives it what came, writes the output, and does what `next`
/// says.
class client_stream {
public:
  /// Elements that wait for the user's process; with that many no more are read.
  static constexpr std::size_t most_waiting = 64;

  /// What the process has to do when the output is written.
  enum class action : std::uint8_t {
    read_on,
    start_tls, ///< shake hands, then `secured`
    restart,   ///< read what follows with a new parser
    close,
  };

  client_stream(host h, self process, xmpp::framing frames, std::string peer);

  /// Labels the process and gives the client its time.
  void start();
  /// TLS is on, from the start or by STARTTLS: begins (again) with what the connection is bound to.
  void secured(std::vector<xmpp::channel_binding> bindings);
  /// TLS is to be begun first.
  void unsecured();

  task<action> opened(xml::stream_opened head);
  task<action> received(xml::element e);
  task<action> closed();
  /// The client sends what cannot be read.
  action broken(const xml::stream_error& why);
  task<action> take_news(stream_news news);
  /// The connection is gone, the client has not said why.
  void lost();

  /// Whether to read on: what was read is being handled in time.
  [[nodiscard]] bool wants_more() const noexcept { return waiting_.size() < most_waiting; }
  /// Whether to take more bytes from the connection.
  [[nodiscard]] bool may_read() const noexcept { return wants_more() && !paused_; }
  /// So many bytes were read: too many for the time make a pause.
  void took_bytes(std::size_t bytes);
  /// There are too many connections from its address: it has to go.
  [[nodiscard]] bool is_one_too_many() const noexcept { return traffic_.is_refused(); }
  action turn_away();
  /// What is to be written, and forgets it. Over WebSocket each message of its own.
  [[nodiscard]] std::vector<std::string> take_output() noexcept { return std::exchange(output_, {}); }
  /// So many bytes of it have been written.
  void wrote(std::size_t bytes);
  /// A session is bound to it: the limits of clients that are known hold.
  [[nodiscard]] bool is_bound() const noexcept { return session_ != 0; }

private:
  void begin(bool secure, std::vector<xmpp::channel_binding> bindings);
  task<action> act(xmpp::negotiation_step step);
  /// Whether the client has to wait before it may try (again); what to say then.
  [[nodiscard]] std::optional<std::string> must_wait() const;
  void note_failure();
  void note_sign_in(const char* how, const std::string& address);
  task<std::expected<std::optional<storage::account>, std::string>> look_up();
  task<action> find_user();
  task<action> check_password(std::string password);
  task<action> answer_registration(xml::element iq);
  task<xml::element> make_account(xml::element iq, xmpp::registration_request wish);
  task<> complete(std::string password);
  task<action> bind(xml::element request);
  task<action> resume(xml::element request);
  task<action> attach();
  action drain();
  void bound_to(pid user, const session_opened& opened);
  void take_credit(std::uint64_t number);
  action end(std::string_view condition, std::string_view text);
  void put(xmpp::negotiation_step& step);

  host host_;
  self me_;
  xmpp::framing frames_;
  open_stream counted_;
  std::string peer_;      ///< the client's address, for the log
  std::string failed_as_; ///< the user with whose name signing in has failed,
  unsigned failed_ = 0;   ///< and how often
  std::string throttled_; ///< what stands for it where failures are counted; '': a proxy's
  incoming_traffic traffic_;
  bool paused_ = false; ///< `pause_over` is on its way
  std::optional<xmpp::negotiation> negotiation_;
  std::vector<std::string> output_;
  std::string user_;
  pid user_process_;
  reference user_monitor_;
  std::uint64_t session_ = 0;
  std::uint64_t number_ = 0;        ///< of the last element that went to the user
  std::deque<from_client> waiting_; ///< that may have to be sent again
  bool over_ = false;
};

} // namespace coppice::messaging
