#include "servers/messaging/shell/upload_sweeper.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/messaging/core/upload_rules.hpp"
#include "servers/messaging/shell/upload_files.hpp"

#include <stdexcept>

namespace coppice::messaging {
namespace {

constexpr duration look_again_after = std::chrono::minutes(10);
constexpr std::size_t at_once = 100;

void remove_all(const std::string& folder, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) remove_uploaded(folder, id);
}

} // namespace

task<> upload_sweeper::handle_continue(term /*what*/) { co_await sweep(); }
task<> upload_sweeper::handle_info(sweep_again /*m*/) { co_await sweep(); }

task<> upload_sweeper::sweep() {
  const xmpp::instant now = host::now_utc();
  co_await sweep_those(storage::upload_state::promised, now - upload_promise_holds);
  co_await sweep_those(storage::upload_state::arriving, now - upload_takes_at_most);
  co_await sweep_those(storage::upload_state::stored, now - std::chrono::days(host_.how().uploads.days_kept));
  send_after(look_again_after, self_pid(), sweep_again());
}

/// Files go before what is known of them, so that none is forgotten.
task<> upload_sweeper::sweep_those(storage::upload_state state, xmpp::instant before) {
  for (;;) {
    auto look = [state, before](store::transaction& t) {
      return storage::old_uploads(t, state, before, at_once);
    };
    auto found = co_await host_.db().read(std::move(look));
    if (!found) throw std::runtime_error("uploads cannot be read: " + found.error().text);
    if (found->empty()) co_return;
    const std::size_t count = found->size();
    co_await blocking(&remove_all, host_.how().uploads.folder, *found);
    auto forget = [ids = std::move(*found)](store::transaction& t) {
      for (const std::string& id : ids) storage::remove_upload(t, id);
    };
    auto done = co_await host_.db().write(std::move(forget));
    if (!done) throw std::runtime_error("uploads cannot be removed: " + done.error().text);
    removed_ += static_cast<std::int64_t>(count);
    if (count < at_once) co_return;
  }
}

term upload_sweeper::state() const { return term::tuple(atom("upload_sweeper"), removed_); }

} // namespace coppice::messaging
