// One node's part in keeping the chat's table on several nodes. Pure: no clock, no processes.
#pragma once

#include "servers/chat/core/replica_messages.hpp"

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coppice::chat {

/// One node leads: it puts all changes in one order. A change counts when every node in step has it; only
/// then the tables change, in that order on each, and the client is told. So a client never sees what could
/// be lost with one node, and any node in step may lead when the leader goes: the one with the lowest name
/// does.
///
/// A node that has been alone, or in another part of the cluster, comes in by `ask_in`. What its table lacks
/// is sent to it, from the leader's latest operations or as a whole; what it has alone becomes operations of
/// the leader's first. Of two leaders that meet, the one with less in its table comes in with the other.
///
/// Everything that is asked may be asked again: messages are known by (from, id), the rest is idempotent. So
/// a request that may have been lost is simply made again.
///
/// It is told of what happens by the functions below, and acts by `outside`. What is sent to a node arrives
/// in order, or the node is reported `down` before anything later arrives. Not thread-safe.
class replica {
public:
  /// What it acts on.
  class outside {
  public:
    virtual void send(const std::string& node, replica_message m) = 0;
    /// The next operation counts: changes the table, and answers the request if it was made here.
    virtual void apply(operation op) = 0;
    [[nodiscard]] virtual const chat_table& table() = 0;
    [[nodiscard]] virtual std::shared_ptr<const chat_table> copy() = 0;
    /// An empty table with the limits of the present one.
    [[nodiscard]] virtual chat_table empty() = 0;
    /// Puts another table in the place of the present one.
    virtual void install(chat_table t) = 0;
    /// A text that nobody has had before.
    [[nodiscard]] virtual std::string unique() = 0;

  protected:
    ~outside() = default;
  };

  /// Operations that are kept for those who come back, besides those that do not count yet.
  static constexpr std::size_t kept_operations = 1024;
  /// Nodes that are known; further ones are not spoken to.
  static constexpr std::size_t most_nodes = 16;
  /// Changes in one message.
  static constexpr std::size_t changes_at_once = 32;
  /// @{ In ticks, of half a second each.
  static constexpr std::uint64_t follower_patience = 4; ///< a leader's, with one who does not keep up
  static constexpr std::uint64_t leader_patience = 8;   ///< a follower's, with requests that have no answer
  static constexpr std::uint64_t entry_patience = 6;    ///< of one who comes in, for each answer
  static constexpr std::uint64_t lonely_patience = 4;   ///< of one who finds no leader
  static constexpr std::uint64_t request_lifetime = 20; ///< then whoever asked has given up
  static constexpr std::uint64_t search_pause = 20;     ///< between attempts to reach one that is not there
  /// @}

  /// `self` is the node's name; requests are numbered from `first_request` on, which should be random, for
  /// the node may have had another life.
  replica(std::string self, std::uint64_t first_request)
      : self_(std::move(self)), next_request_(first_request) {}

  /// Begins, or begins again after its process has ended. With nobody known it leads at once.
  void start(outside& out);
  /// There may be a store on that node.
  void meet(outside& out, const std::string& node);
  /// Tells that node of this one. If there is a store, it answers, and is known from then on.
  void greet(outside& out, const std::string& node);
  /// The store there is gone, or out of reach.
  void down(outside& out, const std::string& node);
  void take(outside& out, const std::string& from, replica_message m);
  /// To be called every half second once somebody is known.
  void tick(outside& out);

  /// The number that the next `submit` shall have.
  [[nodiscard]] std::uint64_t new_request() noexcept { return next_request_++; }
  /// Has a change made, here or by the leader; `apply` with that number follows, unless all goes wrong for
  /// long.
  void submit(outside& out, std::uint64_t request, change what);

  [[nodiscard]] bool leads() const noexcept { return role_ == role::leading; }
  /// Whom it follows, or itself; '' while it looks for one.
  [[nodiscard]] const std::string& leader() const noexcept { return leader_; }
  /// Of its own knowledge: which nodes have all that counts, this one included.
  [[nodiscard]] const std::set<std::string>& in_step_nodes() const noexcept { return in_step_; }
  /// Whether any other node was ever spoken of.
  [[nodiscard]] bool is_alone() const noexcept { return peers_.empty(); }

private:
  enum class role : std::uint8_t { seeking, leading, following };
  struct peer {
    bool up = false;
    std::string leader; // as it said
    history past;
  };
  struct follower {
    std::uint64_t last = 0;  // it has all up to there
    std::uint64_t moved = 0; // the tick at which that last changed, or it fell behind
  };
  /// Somebody who is coming in.
  struct entrant {
    std::uint64_t attempt = 0;
    std::uint64_t since = 0;
    bool changes_done = false;
    std::optional<std::uint64_t> awaited = {}; // an answer is due when all up to there counts
    std::shared_ptr<const chat_table> table;
  };
  struct waiting {
    operation op;
    std::uint64_t since = 0;
  };

  void heard(outside& out, const std::string& from, hello&& m);
  void heard(outside& out, const std::string& from, ask_in&& m);
  void heard(outside& out, const std::string& from, admit&& m);
  void heard(outside& out, const std::string& from, ask_changes&& m);
  void heard(outside& out, const std::string& from, give_changes&& m);
  void heard(outside& out, const std::string& from, took_changes&& m);
  void heard(outside& out, const std::string& from, give_part&& m);
  void heard(outside& out, const std::string& from, ask_part&& m);
  void heard(outside& out, const std::string& from, keep&& m);
  void heard(outside& out, const std::string& from, kept&& m);
  void heard(outside& out, const std::string& from, commit&& m);
  void heard(outside& out, const std::string& from, in_step&& m);
  void heard(outside& out, const std::string& from, drop_out&& m);
  void heard(outside& out, const std::string& from, forward&& m);

  void greet_all(outside& out);
  [[nodiscard]] bool yields_to(outside& out, const std::string& node);
  void lead(outside& out);
  void seek(outside& out);
  void seek_leader(outside& out);
  [[nodiscard]] bool is_next(outside& out) const;
  void succeed(outside& out);
  void come_in(outside& out, const std::string& leader);
  void ask_again(outside& out);
  void send_changes(outside& out);

  void append(outside& out, operation op);
  void advance(outside& out);
  void count(outside& out, std::uint64_t last);
  void answer_entrants(outside& out);
  void tell_in_step(outside& out);
  void remove(outside& out, const std::string& node);
  [[nodiscard]] std::uint64_t log_end() const noexcept { return base_ + log_.size(); }
  [[nodiscard]] bool is_entry(const std::string& from, std::uint64_t attempt) const noexcept {
    return role_ == role::seeking && from == target_ && attempt == attempt_;
  }
  static give_part part_of(const entrant& e, const std::string& after);
  entrant* entrant_of(const std::string& from, std::uint64_t attempt);
  [[nodiscard]] bool led_by(const std::string& from) const noexcept {
    return role_ == role::following && from == leader_;
  }

  std::string self_;
  std::uint64_t next_request_;
  std::uint64_t tick_ = 0;
  role role_ = role::seeking;
  std::string leader_;
  std::set<std::string> in_step_;
  bool keeps_tenure_ = true; // it may go on to number where it did, for nobody else can have
  bool started_ = false;
  std::map<std::string, peer> peers_;

  std::deque<operation> log_; // after operation `base_`
  std::uint64_t base_ = 0;
  std::uint64_t counted_ = 0;    // these are in the table
  std::deque<waiting> requests_; // our own, not counted yet; while it leads they are in the log

  std::map<std::string, follower> followers_; // while it leads
  std::map<std::string, entrant> entrants_;   // likewise

  std::string target_; // while it seeks: where it is coming in
  std::uint64_t attempt_ = 0;
  std::uint64_t seeking_since_ = 0;
  std::uint64_t answered_ = 0;  // the tick of the last answer
  std::vector<change> changes_; // what the target lacks
  std::size_t given_ = 0;
  std::unique_ptr<chat_table> incoming_;
};

} // namespace coppice::chat
