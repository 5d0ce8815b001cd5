// That a user is there or has gone, on its way to the processes of his contacts.
#pragma once

#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/supervisor.hpp"
#include "servers/xml/element.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging {

/// The event of a user's manager: presence for all who may see it, so without a `to`.
struct presence_shown {
  std::shared_ptr<const xml::element> stanza;
};

/// Registered as `presence:NAME`, a child of `presence_events_sup`: a handler for each contact who has been
/// there since the user came. It runs while the user is there and anybody can see him; when it dies his
/// process starts another. His process waits for its answer, so that a contact who is sent something else
/// next has it after the presence (RFC 6120, 10.1).
class presence_events : public gen_event {
public:
  using protocol = coppice::protocol<events<presence_shown>>;
};

/// Tells one contact, whose process is looked up each time: it may end and come back meanwhile.
class presence_listener : public event_handler {
public:
  using protocol = coppice::protocol<events<presence_shown>>;

  explicit presence_listener(std::string contact) : contact_(std::move(contact)) {}
  void handle_event(const presence_shown& m) const;

private:
  std::string contact_;
};

/// Holds the managers; registered as `presence_events_sup`.
class presence_events_sup : public supervisor {
public:
  [[nodiscard]] supervisor_flags flags() const { return {}; }
  [[nodiscard]] std::vector<child_spec> children() const { return {}; }
};

/// The manager of a user, if it runs.
std::optional<pid> presence_events_process(std::string_view user);
/// The same, started if need be; nothing if that fails just now.
task<std::optional<pid>> find_presence_events(std::string user);

} // namespace coppice::messaging
