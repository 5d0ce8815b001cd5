#include "servers/messaging/shell/keeper.hpp"

namespace coppice::messaging {
namespace {

constexpr std::size_t most_at_once = 2'000;
/// That wait for one user.
constexpr std::size_t most_offline = 1'000;

} // namespace

result<> keeper::handle_cast(keep m) {
  waiting_.push_back(std::move(m));
  // When the mailbox is empty; or now, if it never is.
  if (waiting_.size() >= most_at_once) return result<>().then(atom("write"));
  return result<>().timeout(duration::zero());
}

task<> keeper::handle_continue(term /*what*/) { co_await write(); }
task<> keeper::handle_timeout() { co_await write(); }

task<> keeper::write() {
  std::vector<keep> now = std::exchange(waiting_, {});
  std::vector<std::shared_ptr<const keep_job>> jobs;
  jobs.reserve(now.size());
  for (const keep& k : now) jobs.push_back(k.job);
  auto work = [jobs = std::move(jobs)](store::transaction& t) {
    for (const auto& job : jobs) {
      if (job->archive) storage::append_to_archive(t, job->owner, *job->archive);
      if (job->away) {
        // What finds no room is lost: its sender was told that it would wait (RFC 6121, 8.5.2.2).
        (void)storage::add_offline(t, job->owner, job->away->id, job->away->at, job->away->stanza,
                                   most_offline);
      }
    }
  };
  std::expected<void, store::error> written = co_await host_.db().write(std::move(work));
  jobs_ += now.size();
  ++commits_;
  for (const keep& k : now) send(k.from, kept{k.token, written.has_value()});
}

term keeper::state() const {
  return term::tuple(atom("keeper"), term::tuple(atom("jobs"), static_cast<std::int64_t>(jobs_)),
                     term::tuple(atom("commits"), static_cast<std::int64_t>(commits_)));
}

} // namespace coppice::messaging
