#include "servers/messaging/shell/keeper.hpp"

namespace coppice::messaging {
namespace {

constexpr std::size_t most_at_once = 2'000;

/// Which of the jobs found no room for what was to wait.
std::vector<bool> keep_all(store::transaction& t, const std::vector<std::shared_ptr<const keep_job>>& jobs,
                           const storage::offline_room& room) {
  std::vector<bool> full(jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const keep_job& job = *jobs[i];
    if (job.archive) storage::append_to_archive(t, job.owner, *job.archive);
    if (!job.away) continue;
    full[i] = !storage::add_offline(t, job.owner, job.away->id, job.away->at, job.away->stanza, room);
  }
  return full;
}

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
  const storage::offline_room room{host_.how().room.offline_messages, host_.how().room.offline_bytes};
  auto work = [jobs = std::move(jobs), room](store::transaction& t) { return keep_all(t, jobs, room); };
  std::expected<std::vector<bool>, store::error> written = co_await host_.db().write(std::move(work));
  jobs_ += now.size();
  ++commits_;
  for (std::size_t i = 0; i < now.size(); ++i) {
    send(now[i].from, kept{now[i].token, written.has_value(), written && (*written)[i]});
  }
}

term keeper::state() const {
  return term::tuple(atom("keeper"), term::tuple(atom("jobs"), static_cast<std::int64_t>(jobs_)),
                     term::tuple(atom("commits"), static_cast<std::int64_t>(commits_)));
}

} // namespace coppice::messaging
