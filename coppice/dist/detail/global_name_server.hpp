// The server of `global` on this node: the names, the locks that others take here, and what it exchanges with
// its like on other nodes, as OTP 25 to 28 do it (version 8 of their protocol). OTP: module global.
#pragma once

#include "coppice/dist/detail/global_locker.hpp"
#include "coppice/dist/detail/global_names.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/otp/gen_server.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace coppice::dist::detail {

/// `sync`: until names are shared with all nodes that are connected.
struct global_sync {};
/// To itself, once the net kernel answers.
struct watch_all {};

class global_name_server : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<global_sync, bool>, infos<watch_all>, infos<both_locked>, infos<nodeup>,
                        infos<nodedown>, infos<down>, infos<coppice::exit_signal>>;

  global_name_server() = default;
  void init();
  void handle_call(global_sync wish, reply_to<bool> who);
  result<term> handle_call(const term& request, from who);
  task<> handle_cast(term message);
  void handle_info(const term& message);
  task<> handle_info(watch_all now);
  void handle_info(const both_locked& news);
  void handle_info(const nodeup& news);
  void handle_info(const nodedown& news);
  void handle_info(const down& gone);
  result<> handle_info(const coppice::exit_signal& gone);
  void terminate(const exit_reason& reason);
  [[nodiscard]] term state() const;

private:
  struct entry {
    pid process;
    term method; ///< what settles who keeps the name when two have it
    reference ref;
  };
  struct lock {
    term requester;
    std::map<pid, reference> holders;
  };
  /// What goes on with a node until it is known.
  struct session {
    std::int64_t my_tag = 0;
    term his_tag;
    std::int64_t version = 0;                    ///< of the protocol there; 0: it has not introduced itself
    std::optional<term> requester;               ///< both sides are locked in its name
    std::optional<std::vector<term>> his_names;  ///< before that
    std::optional<std::vector<term>> operations; ///< ours
    std::optional<term> resolved;                ///< theirs, before ours
  };
  struct syncing {
    reply_to<bool> who;
    std::set<atom> nodes;
  };
  /// `{From, To}` of a connection that somebody has lost.
  using loss = std::pair<atom, atom>;

  // global_name_server.cpp: names and locks
  void insert(const term& name, pid process, const term& method);
  void remove(const term& name);
  bool set_lock(const term& id, pid holder);
  void del_lock(const term& id, pid holder);
  void apply(const term& operations);

  // global_sessions.cpp: what is exchanged
  void begin(const atom& node);
  void restart(const atom& node);
  void end_session(const atom& node, std::vector<std::pair<atom, term>> farewell = {});
  void introduced(const term& message);
  task<> names_of(atom node, std::vector<term> names);
  void both_done(const atom& node);
  void add_known(const term& nodes);
  void synced_with(const atom& node);
  void wait_no_more_for(const atom& node);
  void lost(const atom& node);
  void spread_loss(const term& message, const atom& except);
  void other_lost(const term& message);
  [[nodiscard]] session* session_of(const atom& node, const term& my_tag);
  [[nodiscard]] term known_list(bool with_versions) const;
  void tell_locker_known();

  atom own_;
  pid locker_;
  std::int64_t last_tag_ = 0;
  std::shared_ptr<global_names> shared_;
  std::unordered_map<term, entry> names_;
  std::map<reference, term> name_of_;
  std::unordered_map<term, lock> locks_;
  std::map<reference, std::pair<term, pid>> lock_of_; ///< which lock a monitor is for, and whose
  std::map<atom, session> sessions_;
  std::map<atom, std::int64_t> known_; ///< the part of the cluster that we belong to, and their versions
  std::set<atom> synced_;
  std::set<atom> removing_; ///< that we have dropped, so as not to tell others of it
  std::map<loss, std::pair<term, term>> losses_;
  std::vector<syncing> syncing_;
};

/// `fun global:random_exit_name/3`, what names are registered with here.
[[nodiscard]] term random_exit_name();
/// Who of two processes keeps a name, by one of OTP's own methods: one of them, or the atom `none`; nothing
/// if it is another method.
[[nodiscard]] std::optional<term> settle(const term& method, const term& name, pid first, pid second);
/// `global:resolve_it/4`: other nodes have it settled where a process lives.
void add_global_functions(function_table& table);

} // namespace coppice::dist::detail
