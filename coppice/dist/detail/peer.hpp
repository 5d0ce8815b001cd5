// Another node as this one sees it: what is under way to it, and what ties processes here to processes there.
// Lives as long as the node; connections to it come and go.
//
// Processes call `deliver` and its like from any thread; the connection's process is the only one that calls
// what is under "for the connection".
#pragma once

#include "coppice/dist/detail/out_queue.hpp"
#include "coppice/dist/flags.hpp"
#include "coppice/dist/frames.hpp"
#include "coppice/dist/functions.hpp"
#include "coppice/dist/handshake.hpp"
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/signals.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace coppice::dist::detail {

class network;

/// To the connection's process: there is something to write.
struct poke {};
/// To the connection's process: end it. The reason is what `nodedown` tells.
struct close_connection {
  atom reason;
};
/// Asks for a process there that evaluates a function and ends with the outcome: sent to an address of the
/// node as a call is, answered with the process's exit reason.
struct spawned_call {
  mfa function;
  term arguments;
};

/// A connection that has been agreed on.
struct connected_node {
  capabilities common;
  std::uint32_t creation = 0;
  pid carrier;              ///< the process that has the connection
  bool dialled = false;     ///< by us
  bool replaces = false;    ///< both sides know that it takes the place of another
  std::uint64_t number = 0; ///< counts the connections with that node, once it is up
};

class peer {
public:
  peer(network& all, std::uint32_t number, const atom& name);
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

  [[nodiscard]] const atom& name() const noexcept { return name_; }
  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  /// Whether it is an isolate of this node, or the node whose isolate this is. Such a connection comes with
  /// the OS process and goes with it; it is no matter of the net kernel's.
  [[nodiscard]] bool isolate() const noexcept { return isolate_.load(std::memory_order_relaxed); }
  /// Makes it one, to which this node is known by what `names` says. Before its first connection.
  void become_isolate(node_names& names) noexcept;
  /// The numbers of nodes in what is sent to it and comes from it.
  [[nodiscard]] node_names& names() const noexcept { return *names_.load(std::memory_order_acquire); }

  // --- for processes ---

  void deliver(pid to, coppice::detail::envelope_ptr message) noexcept;
  void deliver_to_alias(const reference& alias, coppice::detail::envelope_ptr message) noexcept;
  void abandon(std::uint64_t tag) noexcept;
  void set_group_leader(pid leader, pid process) noexcept;
  /// Answers `true` once there is a connection, `false` if there will be none.
  void connect(from who);
  /// Ends the connection; false if there is none.
  bool disconnect(const atom& reason);
  [[nodiscard]] bool is_up() const;
  /// The connection, if there is one.
  [[nodiscard]] std::optional<connected_node> connection() const;
  /// How much ties processes here to processes there.
  struct tie_counts {
    std::size_t asked = 0;   ///< calls that have no answer, and monitors of processes there
    std::size_t links = 0;   ///< also such as are being undone
    std::size_t watches = 0; ///< monitors of processes here
    std::size_t replies = 0; ///< calls from there that have no answer
  };
  [[nodiscard]] tie_counts ties() const;

  // --- for setting up a connection ---

  /// What to answer a newcomer that says it is this node.
  [[nodiscard]] admission admit() const;
  /// An attempt of ours begins: false if nobody waits for a connection, or another attempt is under way.
  bool begin_attempt(pid process);
  /// The process has a connection, which is about to count: nobody need make one.
  void expect_connection(pid process);
  /// Whether it is still the one: a connection that the other side made takes its place, and it is to stop.
  [[nodiscard]] bool attempts(pid process) const;
  /// It has come to nothing: what waits fails. Not if meanwhile there is a connection.
  void attempt_failed(pid process);
  /// From here on what is sent goes to that process's connection; the one before ends. Returns its number, or
  /// nothing if the one before stays.
  std::optional<std::uint64_t> established(const connected_node& with);

  // --- for the connection ---

  /// Lets a signal of the peer take effect.
  void receive(dist::signal what);
  /// Moves some bytes for the connection with that number behind `out`, and lets senders go on that waited
  /// for room.
  void take(std::uint64_t connection, std::string& out, std::size_t most);
  /// The connection with that number has ended: everybody is told. Again it does nothing.
  void lost(std::uint64_t connection);
  /// Who has asked for a reply by this tag: the number for its `from`.
  std::uint64_t expect_reply(pid caller, term tag);

private:
  enum class state : std::uint8_t { idle, pending, up };
  /// What a reference of ours stands for.
  struct asked {
    from who;           ///< a call: who waits
    pid watcher;        ///< else a monitor: whose
    pid_or_name target; ///< of whom
    bool spawning = false;
    bool of_events = false; ///< a manager of events is asked, whose errors are replies
  };
  struct link_state {
    bool active = true;
    std::uint64_t unlinking = 0; ///< the request that has yet to be acknowledged
    std::uint32_t local = 0;     ///< the number that the process here gave it
    std::uint32_t remote = 0;    ///< the number that stands for the other end's
  };
  struct watch {
    reference ref;
    pid watcher;
    pid_or_name watched;
  };
  struct awaited {
    pid caller;
    term tag;
  };
  using link_key = std::pair<pid, pid>; ///< here, there
  struct link_hash {
    std::size_t operator()(const link_key& k) const noexcept {
      return std::hash<pid>()(k.first) ^ (std::hash<pid>()(k.second) * 0x9e3779b97f4a7c15ULL);
    }
  };
  struct farewell;

  // sending; under lock_ unless said
  [[nodiscard]] pid_or_name target_of(pid to) const;
  [[nodiscard]] encoded_signal encode(const control& what, const term* message) const; // without lock_
  void queue(encoded_signal signal, std::uint64_t sender);
  void queue_control(const control& what, std::uint64_t sender);
  /// Queues a message, asks for a connection if there is none; takes lock_ itself.
  void send_message(const control& what, const term& message);
  void wake(std::unique_lock<std::mutex>& lock);
  void hold_up_sender();
  void report_unsent(const term& to, const char* why) const;
  void deliver_message(pid to, coppice::detail::envelope& e);
  void deliver_call(pid to, coppice::detail::envelope& e);
  void deliver_reply(coppice::detail::envelope& e);
  void deliver_signal(pid to, coppice::detail::envelope& e);
  void send_link(pid here, pid there, std::uint32_t local);
  void send_unlink(pid here, pid there);
  void send_exit(pid here, pid there, const exit_reason& reason);
  void send_down(std::uint64_t number, const exit_reason& reason);
  void fail_reply(const awaited& a, const exit_reason& reason);
  void begin_connection(const connected_node& with);
  farewell take_ties();
  [[nodiscard]] bool gives_way_to(const connected_node& newer) const;
  void tell(farewell all);

  // receiving
  void on(link_signal s);
  void on(unlink_signal s);
  void on(const unlink_ack_signal& s);
  void on(dist::exit_signal s);
  void on(exit2_signal s);
  void on(const group_leader_signal& s);
  void on(monitor_signal s);
  void on(const demonitor_signal& s);
  void on(down_signal s);
  void on(const spawn_request_signal& s);
  void on(const spawn_reply_signal& s);
  void on_message(const send_signal& s, term message);
  void on_alias_message(const alias_signal& s, term message);
  bool take_reply(const term& message);
  coppice::detail::process_block* prepare_spawned(function_call call);
  void tell_down(std::uint64_t unique, asked a, exit_reason reason);
  void tell_lost(std::uint64_t unique, asked a, exit_reason reason);
  network& all_;
  const std::uint32_t number_;
  const atom name_;
  std::atomic<node_names*> names_;
  std::atomic<bool> isolate_{false};

  mutable std::mutex lock_;
  state state_ = state::idle;
  std::uint64_t connection_ = 0; ///< counts connections
  connected_node with_;
  std::optional<frame_writer> writer_;
  std::atomic<bool> altact_{false}; ///< aliases are to be sent as OTP 28 wants them
  bool poked_ = false;
  bool overfull_ = false;
  pid attempt_;
  out_queue out_;
  std::vector<std::pair<encoded_signal, std::uint64_t>> before_; ///< what waits for a connection, and whose
  std::size_t before_bytes_ = 0;
  std::vector<std::pair<pid, std::uint64_t>> held_up_; ///< senders, and the tags that let them go
  std::vector<from> connecting_;

  boost::unordered_flat_map<std::uint64_t, asked> asked_;
  boost::unordered_flat_map<link_key, link_state, link_hash> links_;
  boost::unordered_flat_map<std::uint64_t, watch> watches_;
  boost::unordered_flat_map<reference, std::uint64_t, std::hash<reference>> watch_numbers_;
  boost::unordered_flat_map<std::uint64_t, awaited> replies_;
  std::uint32_t next_link_ = 1;
  std::uint64_t next_unlink_ = 1;
};

} // namespace coppice::dist::detail
