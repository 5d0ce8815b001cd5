#include "coppice/store/detail/engine.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace coppice::store::detail {

waiting_process as_waiting(coppice::detail::process_block& p, std::uint64_t tag) {
  return {coppice::detail::machine_of(p).shared_from_this(), p.home, p.self(), tag};
}

// --- the queue ---

std::optional<error> job_queue::push(std::unique_ptr<job>& what) {
  bool wake = false;
  {
    std::lock_guard guard(mutex_);
    if (closed_) return error(error_kind::closed, "the database is closed");
    if (jobs_.size() >= most_) return error(error_kind::overloaded, "too many wait for the database");
    jobs_.push_back(std::move(what));
    wake = idle_ > 0;
  }
  if (wake) changed_.notify_one();
  return std::nullopt;
}

void job_queue::pop(std::vector<std::unique_ptr<job>>& into, std::size_t most) {
  std::unique_lock lock(mutex_);
  ++idle_;
  changed_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
  --idle_;
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, jobs_.size()));
  std::move(jobs_.begin(), jobs_.begin() + count, std::back_inserter(into));
  jobs_.erase(jobs_.begin(), jobs_.begin() + count);
}

void job_queue::close() {
  std::lock_guard guard(mutex_);
  closed_ = true;
  changed_.notify_all();
}

std::size_t job_queue::size() const {
  std::lock_guard guard(mutex_);
  return jobs_.size();
}

connection& lasting_connection::get() {
  if (now_ != nullptr && !now_->usable()) now_.reset();
  if (now_ == nullptr) now_ = open_();
  return *now_;
}

// --- works ---

namespace {

/// Does the work; whether it is well so far. If not, the job knows why.
bool do_work(connection& on, job& what) {
  transaction t(on);
  try {
    what.run(t);
    what.why = t.failed();
  } catch (const failure& f) {
    what.why = f.why();
  } catch (...) { // catch-all: carried to who waits and rethrown there
    what.thrown = std::current_exception();
  }
  return !what.why && !what.thrown;
}

/// Does one of several works of a transaction. False: the transaction is over.
bool do_part(connection& on, job& what) {
  try {
    on.begin_part();
    if (do_work(on, what)) {
      on.end_part();
    } else if (on.in_transaction()) {
      on.undo_part();
    }
  } catch (const failure& f) {
    what.why = f.why();
    return false;
  }
  return on.in_transaction();
}

void finish(std::vector<std::unique_ptr<job>>& batch, std::size_t from, std::size_t to, const error* failed) {
  for (std::size_t i = from; i < to; ++i) batch[i]->finish(failed);
}

} // namespace

engine_state::engine_state(connector opens, std::unique_ptr<connection> first,
                           const database_options& options)
    : open(std::move(opens)), max_batch(std::max<std::size_t>(1, options.max_batch)),
      writes(options.max_waiting), reads(options.max_waiting), writer(open, std::move(first)) {}

/// One work, in a transaction of its own.
void engine_state::commit(connection& on) {
  const auto begun = std::chrono::steady_clock::now();
  on.commit();
  const auto taken = std::chrono::steady_clock::now() - begun;
  committing.fetch_add(std::chrono::nanoseconds(taken).count(), std::memory_order_relaxed);
  commits.fetch_add(1, std::memory_order_relaxed);
}

void engine_state::do_alone(connection& on, job& what) {
  try {
    if (what.kind == job_kind::backup) {
      transaction none(on);
      on.back_up(what.path());
      what.run(none);
    } else {
      on.begin(what.kind == job_kind::write);
      if (do_work(on, what)) {
        if (what.kind == job_kind::write) {
          commit(on);
        } else {
          on.commit();
        }
      } else {
        on.roll_back();
      }
    }
  } catch (const failure& f) {
    on.roll_back();
    what.why = f.why();
  }
  (what.kind == job_kind::write ? writes_done : reads_done).fetch_add(1, std::memory_order_relaxed);
  what.finish(nullptr);
}

std::size_t engine_state::do_some(std::vector<std::unique_ptr<job>>& batch, std::size_t from) {
  connection& on = writer.get();
  const std::size_t most = from + std::min(batch.size() - from, on.most_parts());
  std::size_t to = from;
  while (to < most && batch[to]->kind != job_kind::backup) ++to;
  if (to <= from + 1) {
    do_alone(on, *batch[from]);
    return from + 1;
  }
  on.begin(true);
  std::optional<error> lost;
  std::size_t i = from;
  while (i < to && !lost) {
    if (!do_part(on, *batch[i])) {
      lost = batch[i]->why.value_or(error(error_kind::io, "the transaction was ended by the database"));
    }
    ++i;
  }
  try {
    if (lost) {
      on.roll_back();
    } else {
      commit(on);
    }
  } catch (const failure& f) {
    on.roll_back();
    lost = f.why();
  }
  writes_done.fetch_add(i - from, std::memory_order_relaxed);
  finish(batch, from, i, lost ? &*lost : nullptr);
  return i;
}

void engine_state::do_writes(std::vector<std::unique_ptr<job>>& batch) {
  std::size_t done = 0;
  try {
    while (done < batch.size()) done = do_some(batch, done);
  } catch (const failure& f) { // there is no connection, or no transaction to be had: nothing was begun
    finish(batch, done, batch.size(), &f.why());
  }
}

void engine_state::serve_writes() {
  std::vector<std::unique_ptr<job>> batch;
  for (;;) {
    writes.pop(batch, max_batch);
    if (batch.empty()) return;
    {
      std::lock_guard guard(writing);
      do_writes(batch);
    }
    batch.clear();
  }
}

void engine_state::serve_reads() {
  lasting_connection reader(open);
  std::vector<std::unique_ptr<job>> one;
  for (;;) {
    reads.pop(one, 1);
    if (one.empty()) return;
    try {
      do_alone(reader.get(), *one.front());
    } catch (const failure& f) {
      one.front()->finish(&f.why());
    }
    one.clear();
  }
}

// --- the engine ---

engine::engine(std::string where, connector open, std::unique_ptr<connection> first,
               const database_options& options)
    : place(std::move(where)),
      state(std::make_shared<engine_state>(std::move(open), std::move(first), options)),
      reads_apart_(options.readers > 0) {
  threads_.emplace_back([inside = state] { inside->serve_writes(); });
  for (std::size_t i = 0; i < options.readers; ++i) {
    threads_.emplace_back([inside = state] { inside->serve_reads(); });
  }
}

void engine::take(std::unique_ptr<job> what) {
  coppice::node* home = what->waiting.home;
  if (home != nullptr && home->internals().options.stepped) {
    coppice::detail::run_blocking(*home, [inside = state, done = std::move(what)]() mutable {
      std::vector<std::unique_ptr<job>> one;
      one.push_back(std::move(done));
      std::lock_guard guard(inside->writing);
      inside->do_writes(one);
    });
    return;
  }
  job_queue& queue = what->kind == job_kind::write || !reads_apart_ ? state->writes : state->reads;
  if (std::optional<error> refused = queue.push(what)) what->finish(&*refused);
}

void engine::close() {
  state->writes.close();
  state->reads.close();
  std::lock_guard guard(closing_);
  for (std::thread& thread : threads_) {
    if (thread.get_id() == std::this_thread::get_id()) {
      thread.detach(); // the last handle went with a work's process: the thread ends by itself
    } else {
      thread.join();
    }
  }
  threads_.clear();
}

void submit(engine& to, std::unique_ptr<job> what) { to.take(std::move(what)); }

} // namespace coppice::store::detail
