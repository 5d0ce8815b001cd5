// The supervisors of the chat; README.md draws the tree.
#pragma once

#include "coppice/otp/supervisor.hpp"
#include "servers/chat/shell/chat.hpp"

namespace coppice::chat {

/// One patience for all: killing by hand must not use it up.
supervisor_flags patient(strategy how);

/// Registered as `chat_sup`: everything but the connections.
class chat_sup : public supervisor {
public:
  explicit chat_sup(chat c) : chat_(std::move(c)) {}
  [[nodiscard]] supervisor_flags flags() const { return patient(strategy::one_for_one); }
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  chat chat_;
};

/// Registered as `session_sup`: `start_child(session_sup, User)`.
class session_sup : public supervisor {
public:
  explicit session_sup(chat c) : chat_(std::move(c)) {}
  [[nodiscard]] supervisor_flags flags() const { return patient(strategy::simple_one_for_one); }
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  chat chat_;
};

/// Registered as `room_sup`: has the rooms of the table at each start; `room_registry` adds and removes.
class room_sup : public supervisor {
public:
  explicit room_sup(chat c) : chat_(std::move(c)) {}
  [[nodiscard]] supervisor_flags flags() const { return patient(strategy::one_for_one); }
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  chat chat_;
};

} // namespace coppice::chat
