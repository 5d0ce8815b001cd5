// The chat's table as processes share it: what ETS is to Erlang. It outlives every process that uses it.
#pragma once

#include "servers/chat/core/replica.hpp"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace coppice::chat {

struct options {
  std::string node_name = "coppice@127.0.0.1"; ///< shown to users; its real name if it is one of several
  std::vector<std::string> peers = {};         ///< other nodes with the chat, which are looked for
  table_limits limits{};
};

/// A handle of the chat: its table and its options. Owned by the application, copied into every process of
/// it, so that the death of none of them, supervisors included, loses what was accepted.
///
/// It may be sent although what it shares is mutable, for the same reason as ETS may: all access is under its
/// lock, for the time of one operation. By convention the mailbox store alone writes, so that the news of
/// changes leave in the order of the changes; anybody reads. On several nodes each has a table, which the
/// stores keep the same.
class chat {
public:
  explicit chat(options settings = {});

  [[nodiscard]] const options& settings() const noexcept { return state_->settings; }
  /// Runs `f(const chat_table&)`, which gives a copy of what it looked for.
  template <class F>
  auto read(F f) const {
    const std::scoped_lock held(state_->lock);
    return f(std::as_const(state_->table));
  }
  /// Runs `f(chat_table&)`: for the mailbox store.
  template <class F>
  auto write(F f) const {
    const std::scoped_lock held(state_->lock);
    return f(state_->table);
  }
  /// For the mailbox store, which nobody's writing can surprise.
  [[nodiscard]] const chat_table& own_table() const noexcept { return state_->table; }
  /// Likewise for it alone: this node's part in keeping the table on several.
  [[nodiscard]] replica& part() const noexcept { return state_->part; }

private:
  struct shared {
    explicit shared(options o);
    const options settings;
    std::mutex lock;
    chat_table table;
    replica part;
  };
  std::shared_ptr<shared> state_;
};

/// A text that nobody else makes.
std::string unique_text();

} // namespace coppice::chat
