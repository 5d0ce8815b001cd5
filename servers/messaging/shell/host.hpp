// What all processes of the messaging server share: its settings, its database, its certificate, and the
// sessions of its users, which outlive the processes that look after them.
#pragma once

#include "coppice/net/tls.hpp"
#include "coppice/store/database.hpp"
#include "servers/messaging/core/counts.hpp"
#include "servers/messaging/core/settings.hpp"
#include "servers/messaging/core/user_state.hpp"
#include "servers/xmpp/muc/muc_service.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::messaging {

struct room_place;

/// A handle, copied into every process. It may be sent although what it shares is mutable, for the same
/// reason as ETS may: all access to users' sessions and to rooms is by the one process that looks after the
/// user or the room, everything else does not change or is guarded.
class host {
public:
  /// `tls`: nothing only in tests, where no stream is encrypted.
  host(settings how, store::database db, std::optional<net::tls_server> tls, std::string secret);

  /// As they are now; what this gives stays as it is, and valid, when they change.
  [[nodiscard]] const settings& how() const noexcept { return *state_->how.load(std::memory_order_acquire); }
  /// From now on so. The domain and the folder of files must be what they were. The settings of before are
  /// kept: some bytes for each change.
  void change(settings how) const;
  [[nodiscard]] const std::string& domain() const noexcept { return state_->domain; }
  [[nodiscard]] const store::database& db() const noexcept { return state_->db; }
  [[nodiscard]] const std::optional<net::tls_server>& tls() const noexcept { return state_->tls; }
  /// Bytes that the server keeps to itself, the same at each start.
  [[nodiscard]] const std::string& secret() const noexcept { return state_->secret; }

  /// The state of a user, made if there is none; to be used by the user's process alone.
  [[nodiscard]] std::shared_ptr<user_state> state_of(const std::string& user) const;
  /// Forgets it: the user has no session any more.
  void forget(const std::string& user) const;
  /// Users with a state, by name, behind `after`; at most so many. Linear in all of them.
  [[nodiscard]] std::vector<std::string> user_names(const std::string& after, std::size_t most) const;

  /// @{
  /// What clients want to hear of who all have the same capabilities (`entity_caps::key`), of the last
  /// thousands that were learned; null: not known.
  [[nodiscard]] std::shared_ptr<const client_wishes> wishes_by(const std::string& caps) const;
  void learn(const std::string& caps, std::shared_ptr<const client_wishes> wishes) const;
  /// @}

  /// What it has done.
  [[nodiscard]] counts& counted() const noexcept { return state_->counted; }
  /// Who has failed to sign in.
  [[nodiscard]] sign_in_throttle& sign_ins() const noexcept { return state_->sign_ins; }

  /// Who has tried to make accounts: the addresses are counted as those of failures are.
  [[nodiscard]] sign_in_throttle& registrations() const noexcept { return state_->registrations; }
  /// Where clients come from.
  [[nodiscard]] client_addresses& addresses() const noexcept { return state_->addresses; }

  /// Where the rooms are: `conference.DOMAIN`.
  [[nodiscard]] const std::string& rooms_domain() const noexcept { return state_->rooms_domain; }
  /// The state of a room, made if there is none; to be used by the room's process alone.
  [[nodiscard]] std::shared_ptr<room_place> place_of(const std::string& room) const;
  /// Forgets it: nobody is in the room any more.
  void forget_place(const std::string& room) const;
  /// The names of all rooms with a state.
  [[nodiscard]] std::vector<std::string> room_names() const;
  /// A room that others may find, by its address, under a name (may be ''); nothing: they may not.
  void list_room(const std::string& address, std::optional<std::string> name) const;
  /// All of those, by address. Linear.
  [[nodiscard]] std::vector<xmpp::muc::listed_room> listed_rooms() const;

  /// Who gives room for files: `upload.DOMAIN`.
  [[nodiscard]] const std::string& uploads_domain() const noexcept { return state_->uploads_domain; }
  /// The HTTP server is there: `http://127.0.0.1:4100`.
  void serves_at(std::string url) const;
  /// What is before `/upload/` in the addresses of files; '': there are no uploads.
  [[nodiscard]] std::string uploads_url() const;

  /// A number for a message: later ones are greater, and no two are the same, also after a restart.
  [[nodiscard]] std::int64_t next_id() const;
  /// Now, by the node's clock.
  [[nodiscard]] static xmpp::instant now_utc();

private:
  struct shared {
    shared(settings h, store::database d, std::optional<net::tls_server> t, std::string s)
        : domain(h.domain), rooms_domain("conference." + domain), uploads_domain("upload." + domain),
          db(std::move(d)), tls(std::move(t)), secret(std::move(s)) {
      versions.push_back(std::make_unique<const settings>(std::move(h)));
      how = versions.back().get();
    }
    const std::string domain;
    const std::string rooms_domain;
    const std::string uploads_domain;
    const store::database db;
    const std::optional<net::tls_server> tls;
    const std::string secret;
    std::atomic<const settings*> how;
    counts counted;
    sign_in_throttle sign_ins;
    sign_in_throttle registrations;
    client_addresses addresses;
    std::mutex lock;
    std::vector<std::unique_ptr<const settings>> versions; ///< `how` and those before it
    std::unordered_map<std::string, std::shared_ptr<user_state>> users;
    std::unordered_map<std::string, std::shared_ptr<const client_wishes>> wishes;
    std::unordered_map<std::string, std::shared_ptr<room_place>> rooms;
    std::map<std::string, std::string> listed_rooms; ///< their names by address
    std::string url;                                 ///< of the HTTP server
    std::atomic<std::int64_t> last_id{0};
  };
  std::shared_ptr<shared> state_;
};

/// A text that nobody can guess, for addresses and streams.
std::string unguessable();

} // namespace coppice::messaging
