#include "servers/messaging/exchange/user_import.hpp"

#include "servers/messaging/application.hpp"
#include "servers/messaging/exchange/credentials.hpp"
#include "servers/messaging/exchange/imported_part.hpp"
#include "servers/messaging/exchange/portable_file.hpp"
#include "servers/messaging/storage/accounts.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace coppice::messaging::exchange {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

constexpr std::size_t parts_at_once = 500;
constexpr std::size_t most_lines = 1'000;

instant now_utc() {
  return std::chrono::time_point_cast<instant::duration>(std::chrono::system_clock::now());
}

class importer final : public portable_reader {
public:
  importer(const store::database& db, const settings& how) : db_(db), how_(how) {}

  void begins(const xml::element& head) override {
    within_.push_back(head);
    if (head.is(portable_ns, "host")) begin_host(head);
    if (head.is(portable_ns, "user")) begin_user(head);
  }

  void ends() override {
    if (within_.back().is(portable_ns, "user")) end_user();
    if (within_.back().is(portable_ns, "host")) ours_ = false;
    within_.pop_back();
  }

  void part(xml::element e) override {
    if (!owner_) return;
    if (e.is(portable_scram_ns, "scram-credentials")) return take_credentials(read_credentials(e));
    parts_.push_back({std::move(e), within_.back().name(), std::string(within_.back().get("node"))});
    if (parts_.size() >= parts_at_once) write(false);
  }

  import_report report;

private:
  void leave_out(std::string what) {
    ++report.left_out_in_all;
    if (report.left_out.size() < most_lines) report.left_out.push_back(std::move(what));
  }

  void begin_host(const xml::element& head) {
    const auto host = jid::of("", head.get("jid"));
    ours_ = host && host->domain() == how_.domain;
    if (!ours_) {
      leave_out("the host '" + std::string(head.get("jid")) + "': the domain here is " + how_.domain +
                " (--domain)");
    }
  }

  void begin_user(const xml::element& head) {
    owner_.reset();
    verifiers_.clear();
    password_.clear();
    if (!ours_) return;
    const std::string name(head.get("name"));
    const auto address = jid::of(name, how_.domain);
    if (!address || address->local().empty())
      return leave_out("the user '" + name + "': no address has that name");
    const auto known =
        db_.read_now([who = address->text()](store::transaction& t) { return storage::has_account(t, who); });
    if (!known) throw std::runtime_error(known.error().text);
    if (*known) return leave_out(address->text() + ": there is such an account already");
    owner_ = imported_owner{.address = *address, .now = now_utc()};
    password_ = head.get("password");
    constexpr std::string_view old = "scram:";
    if (!password_.starts_with(old)) return;
    take_credentials(read_old_credentials(std::string_view(password_).substr(old.size())));
    password_.clear();
  }

  void take_credentials(std::expected<scram_verifier, std::string> read) {
    if (!read) return leave_out(owner_->address.text() + ": the password: " + read.error());
    std::erase_if(verifiers_, [&read](const scram_verifier& v) { return v.hash == read->hash; });
    verifiers_.push_back(std::move(*read));
  }

  void end_user() {
    if (!owner_) return;
    if (!password_.empty()) {
      auto made = make_credentials(owner_->address.local(), password_, how_);
      if (made) verifiers_ = std::move(made->verifiers);
      if (!made) leave_out(owner_->address.text() + ": the password: " + made.error());
    }
    write(true);
    ++report.users;
    note_credentials();
    owner_.reset();
  }

  void note_credentials() {
    const std::string who = owner_->address.text();
    if (verifiers_.empty()) leave_out(who + ": no password; give one by 'coppice messaging user passwd'");
    if (verifiers_.size() != 1) return;
    const bool old = verifiers_.front().hash == scram_hash::sha1;
    report.one_hash.push_back(who + " by " + (old ? "SCRAM-SHA-1" : "SCRAM-SHA-256"));
  }

  /// `last`: the account, too, when everything else is there.
  void write(bool last) {
    std::vector<imported_part> parts = std::exchange(parts_, {});
    struct outcome {
      imported_owner owner;
      std::vector<std::string> left_out;
    };
    auto work = [owner = *owner_,
                 parts = std::make_shared<const std::vector<imported_part>>(std::move(parts)), last,
                 verifiers = verifiers_](store::transaction& t) {
      outcome done{owner, {}};
      for (const imported_part& one : *parts) keep_part(t, done.owner, one, done.left_out);
      if (last) storage::create_account(t, done.owner.address.text(), verifiers, done.owner.now);
      return done;
    };
    auto done = db_.write_now(std::move(work));
    if (!done) throw std::runtime_error(done.error().text);
    owner_ = done->owner;
    for (std::string& line : done->left_out) leave_out(std::move(line));
  }

  const store::database& db_;
  const settings& how_;
  std::vector<xml::element> within_;
  bool ours_ = false;
  std::optional<imported_owner> owner_; ///< of whom we read; nothing: he is left out
  std::string password_;
  std::vector<scram_verifier> verifiers_;
  std::vector<imported_part> parts_;
};

} // namespace

std::expected<import_report, std::string> import_users(const store::database& db, const settings& how,
                                                       const std::string& file) {
  importer all(db, how);
  try {
    if (auto read = read_portable(file, all); !read) return std::unexpected(read.error());
  } catch (const std::runtime_error& e) { // of the database
    return std::unexpected(e.what());
  }
  return std::move(all.report);
}

} // namespace coppice::messaging::exchange
