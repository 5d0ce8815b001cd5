#include "servers/messaging/demo_accounts.hpp"

#include "servers/messaging/application.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xmpp/scram.hpp"

#include <array>
#include <chrono>
#include <tuple>

namespace coppice::messaging {
namespace {

constexpr std::array names = {"alice", "bob"};
constexpr std::size_t password_length = 16;

/// Of letters that nobody takes for others; 80 bits.
std::string new_password() {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(letters.size() == 32);
  std::string password;
  for (const char c : xmpp::random_bytes(password_length)) {
    if (password.size() % 5 == 4) password += '-';
    password += letters[static_cast<unsigned char>(c) % letters.size()];
  }
  return password;
}

} // namespace

std::expected<std::vector<demo_account>, std::string> make_demo_accounts(const host& h) {
  std::vector<demo_account> made;
  std::vector<credentials> proofs;
  for (const char* name : names) {
    const std::string password = new_password();
    auto proof = make_credentials(name, password, h.how());
    if (!proof) return std::unexpected(proof.error());
    made.push_back({proof->address, password});
    proofs.push_back(std::move(*proof));
  }
  // No process runs yet whose clock could be asked.
  const auto now = std::chrono::time_point_cast<xmpp::instant::duration>(std::chrono::system_clock::now());
  auto done = h.db().write_now([&](store::transaction& t) {
    if (!storage::list_accounts(t, "", 1).empty()) return false;
    for (std::size_t n = 0; n < proofs.size(); ++n) {
      storage::create_account(t, proofs[n].address, proofs[n].verifiers, now);
      xmpp::roster_item other{.contact = *xmpp::jid::parse(proofs[(n + 1) % proofs.size()].address)};
      other.state.to = other.state.from = true;
      std::ignore = storage::put_roster_item(t, proofs[n].address, other); // one fits
    }
    return true;
  });
  if (!done) return std::unexpected(done.error().text);
  if (!*done) made.clear();
  return made;
}

} // namespace coppice::messaging
