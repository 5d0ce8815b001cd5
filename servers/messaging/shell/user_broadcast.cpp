// Presence on its way to all who may see it: by the user's event manager, and to his own clients.
#include "servers/messaging/shell/presence_events.hpp"
#include "servers/messaging/shell/user.hpp"

#include <algorithm>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

/// Managers that may die, one after the other, while one presence is told.
constexpr int most_attempts = 5;

} // namespace

/// RFC 6121, 4.2.2.
task<> user::broadcast(stanza_ptr presence) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    bool told = co_await tell_contacts(presence);
    if (told) break;
  }
  for (auto& [number, other] : state_->sessions) {
    if (!other.is_available()) continue;
    xml::element copy = *presence;
    copy.set("to", other.address.text());
    write(other, copy);
  }
  if (!is_there()) co_await end_presence_events();
}

bool user::is_there() const {
  return std::ranges::any_of(state_->sessions, [](const auto& one) { return one.second.is_available(); });
}

/// False: the manager has died before it said that everybody has been told.
task<bool> user::tell_contacts(stanza_ptr presence) {
  if (!presence_events_) {
    bool well = co_await start_presence_events();
    if (!well) co_return false;
    if (!presence_events_) co_return true; // nobody is to hear it
  }
  const server_ref<presence_events> manager{server_name(presence_events_)};
  std::expected<atom, exit_reason> told = co_await try_sync_notify<presence_shown>(manager, presence);
  if (!told) lose_presence_events();
  co_return told.has_value();
}

/// Contacts with a process who may see the user. Linear in the roster.
std::vector<std::string> user::contacts_there() const {
  std::vector<std::string> names;
  for (const auto& [contact, item] : state_->roster) {
    if (may_hear(contact) && user_process(contact.local())) names.emplace_back(contact.local());
  }
  return names;
}

bool user::may_hear(const jid& contact) const {
  return contact.domain() == host_.domain() && seen_by(contact) && !state_->blocked.blocks(contact.bare());
}

/// The manager with all its handlers: the one of a predecessor, or another; none if it would have nobody to
/// tell. False: it dies again at once.
task<bool> user::start_presence_events() {
  std::vector<std::string> names = contacts_there();
  if (names.empty() && !presence_events_process(name_)) co_return true;
  std::optional<pid> found = co_await find_presence_events(name_);
  if (!found) co_return false;
  presence_events_ = *found;
  watch(*found);
  const server_ref<presence_events> manager{server_name(*found)};
  std::expected<std::vector<handler_id>, exit_reason> handlers = co_await which_handlers(manager);
  if (!handlers) {
    lose_presence_events();
    co_return false;
  }
  for (const handler_id& one : *handlers) {
    const auto name = one.id ? one.id->as_text() : std::nullopt;
    if (name) listeners_.insert(*name);
  }
  for (const std::string& name : names) {
    bool well = co_await add_listener(name);
    if (!well) co_return false;
  }
  co_return true;
}

task<bool> user::add_listener(std::string contact) {
  if (listeners_.contains(contact)) co_return true;
  const server_ref<presence_events> manager{server_name(presence_events_)};
  auto added = co_await add_handler<presence_listener>(manager, with_id(term(contact)), contact);
  if (added) {
    listeners_.insert(std::move(contact));
  } else {
    lose_presence_events();
  }
  co_return added.has_value();
}

/// From now on a contact hears of the user. What fails here the next broadcast makes good.
task<> user::let_hear(jid contact) {
  if (!is_there() || !may_hear(contact)) co_return;
  std::string name(contact.local());
  if (!presence_events_) {
    co_await start_presence_events();
  }
  if (presence_events_) co_await add_listener(std::move(name));
}

/// Whoever may not hear of the user any more: has been blocked, or is no longer subscribed.
task<> user::drop_listeners() {
  std::vector<std::string> names;
  for (const std::string& name : listeners_) {
    const auto contact = jid::of(name, host_.domain());
    if (!contact || !may_hear(*contact)) names.push_back(name);
  }
  for (const std::string& name : names) {
    const handler_ref<presence_listener> listener(server_name(presence_events_),
                                                  {atom(type_name<presence_listener>()), term(name)});
    auto gone = co_await delete_handler(listener);
    listeners_.erase(name);
  }
}

void user::lose_presence_events() {
  if (const auto known = watched_.find(presence_events_); known != watched_.end()) {
    demonitor(known->second);
    watched_.erase(known);
  }
  presence_events_ = pid();
  listeners_.clear();
}

/// The user has gone, and everybody has been told.
task<> user::end_presence_events() {
  if (!presence_events_) co_return;
  lose_presence_events();
  auto ended = co_await terminate_child("presence_events_sup", term(name_));
}

} // namespace coppice::messaging
