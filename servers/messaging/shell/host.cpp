#include "servers/messaging/shell/host.hpp"

#include "coppice/net/detail/base64.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/messaging/core/room_place.hpp"
#include "servers/xmpp/scram.hpp"

#include <algorithm>

namespace coppice::messaging {

namespace {

/// Kinds of clients; one that is forgotten is asked again.
constexpr std::size_t most_wishes = 2'000;

} // namespace

host::host(settings how, store::database db, std::optional<net::tls_server> tls, std::string secret)
    : state_(std::make_shared<shared>(std::move(how), std::move(db), std::move(tls), std::move(secret))) {}

void host::change(settings how) const {
  const std::scoped_lock held(state_->lock);
  state_->versions.push_back(std::make_unique<const settings>(std::move(how)));
  state_->how.store(state_->versions.back().get(), std::memory_order_release);
}

std::shared_ptr<user_state> host::state_of(const std::string& user) const {
  const std::scoped_lock held(state_->lock);
  std::shared_ptr<user_state>& at = state_->users[user];
  if (at == nullptr) at = std::make_shared<user_state>();
  return at;
}

void host::forget(const std::string& user) const {
  const std::scoped_lock held(state_->lock);
  state_->users.erase(user);
}

std::vector<std::string> host::user_names(const std::string& after, std::size_t most) const {
  std::vector<std::string> names;
  {
    const std::scoped_lock held(state_->lock);
    for (const auto& [name, user] : state_->users) {
      if (name > after) names.push_back(name);
    }
  }
  const std::size_t wanted = std::min(most, names.size());
  std::ranges::partial_sort(names, names.begin() + static_cast<std::ptrdiff_t>(wanted));
  names.resize(wanted);
  return names;
}

std::shared_ptr<const client_wishes> host::wishes_by(const std::string& caps) const {
  const std::scoped_lock held(state_->lock);
  const auto known = state_->wishes.find(caps);
  return known == state_->wishes.end() ? nullptr : known->second;
}

void host::learn(const std::string& caps, std::shared_ptr<const client_wishes> wishes) const {
  const std::scoped_lock held(state_->lock);
  if (state_->wishes.size() >= most_wishes) state_->wishes.erase(state_->wishes.begin());
  state_->wishes.insert_or_assign(caps, std::move(wishes));
}

std::shared_ptr<room_place> host::place_of(const std::string& room) const {
  const std::scoped_lock held(state_->lock);
  std::shared_ptr<room_place>& at = state_->rooms[room];
  if (at == nullptr) at = std::make_shared<room_place>();
  return at;
}

void host::forget_place(const std::string& room) const {
  const std::scoped_lock held(state_->lock);
  state_->rooms.erase(room);
}

std::vector<std::string> host::room_names() const {
  const std::scoped_lock held(state_->lock);
  std::vector<std::string> names;
  names.reserve(state_->rooms.size());
  for (const auto& [name, place] : state_->rooms) names.push_back(name);
  return names;
}

void host::list_room(const std::string& address, std::optional<std::string> name) const {
  const std::scoped_lock held(state_->lock);
  if (name) {
    state_->listed_rooms[address] = std::move(*name);
  } else {
    state_->listed_rooms.erase(address);
  }
}

std::vector<xmpp::muc::listed_room> host::listed_rooms() const {
  const std::scoped_lock held(state_->lock);
  std::vector<xmpp::muc::listed_room> all;
  all.reserve(state_->listed_rooms.size());
  for (const auto& [address, name] : state_->listed_rooms) all.push_back({address, name});
  return all;
}

void host::serves_at(std::string url) const {
  const std::scoped_lock held(state_->lock);
  state_->url = std::move(url);
}

std::string host::uploads_url() const {
  if (how().uploads.max_file_size == 0) return {};
  if (!how().uploads.public_url.empty()) return how().uploads.public_url;
  const std::scoped_lock held(state_->lock);
  return state_->url;
}

xmpp::instant host::now_utc() {
  return std::chrono::time_point_cast<std::chrono::microseconds>(this_node().time().system_now());
}

std::int64_t host::next_id() const {
  const std::int64_t at = now_utc().time_since_epoch().count();
  std::int64_t last = state_->last_id.load(std::memory_order_relaxed);
  std::int64_t next = 0;
  do {
    next = std::max(at, last + 1);
  } while (!state_->last_id.compare_exchange_weak(last, next, std::memory_order_relaxed));
  return next;
}

std::string unguessable() {
  std::string text = net::detail::to_base64(xmpp::random_bytes(15));
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

} // namespace coppice::messaging
