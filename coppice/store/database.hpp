// Durable data: SQLite in a file of one's own, or PostgreSQL. Processes hand works to it and wait.
#pragma once

#include "coppice/store/detail/job.hpp"
#include "coppice/store/migration.hpp"
#include "coppice/store/transaction.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::store {

namespace detail {
class connection;
} // namespace detail

/// How sure a commit is when the machine itself loses power. After the end of the program alone, even by
/// SIGKILL, nothing is lost in either case.
enum class durability : std::uint8_t {
  full,   ///< committed is on the disk
  normal, ///< the last moments may be lost, nothing is damaged; several times as fast
};

struct database_options {
  /// The path of a file (made if it is not there, for its owner alone), `:memory:`, or
  /// `postgresql://user@host/name` with libpq's parameters: `sslmode`, `passfile`, `host=/socket/folder`...
  std::string where;
  std::string schema = "main";       ///< which tables the migrations make: several may share a database
  std::vector<migration> migrations; ///< applied when it is opened
  durability durable = durability::full;
  std::size_t readers = 2;               ///< connections, each with a thread, for `read`; of `:memory:` none
  std::size_t max_waiting = 64UL * 1024; ///< works that wait, each for reads and writes: further ones fail
  /// For simulations: stands between the database and each of its connections.
  std::function<std::unique_ptr<detail::connection>(std::unique_ptr<detail::connection>)> around = {};
  std::size_t max_batch = 1024; ///< writes that share a commit, at most
};

/// What a database has done since it was opened.
struct database_statistics {
  std::uint64_t writes = 0;               ///< works of `write` done, well or not
  std::uint64_t commits = 0;              ///< the transactions that they shared
  std::uint64_t reads = 0;                ///< works of `read` done
  std::size_t waiting = 0;                ///< works that have not been begun
  std::chrono::nanoseconds committing{0}; ///< that commits have taken, together
};

namespace detail {

class engine;

/// Hands the job over; it is finished at once if it cannot be.
void submit(engine& to, std::unique_ptr<job> what);

/// What awaits a job.
template <class T>
class pending {
public:
  pending(std::shared_ptr<engine> to, std::unique_ptr<job> what)
      : process_(coppice::detail::running_process()), tag_(coppice::detail::next_unique(*process_.home)),
        to_(std::move(to)), job_(std::move(what)), wait_(process_, pid(), tag_, nullptr, infinity) {}

  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() {
    coppice::detail::expect_completion(process_, tag_);
    job_->waiting = as_waiting(process_, tag_);
    submit(*to_, std::move(job_));
    return wait_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  std::expected<T, error> await_resume() {
    coppice::detail::envelope_ptr completion = wait_.finish();
    return completion->as<outcome<T>>().take();
  }
  /// @}

private:
  coppice::detail::process_block& process_;
  std::uint64_t tag_;
  std::shared_ptr<engine> to_;
  std::unique_ptr<job> job_;
  coppice::detail::call_wait wait_;
};

} // namespace detail

/// A handle of a database; copies are of the same one. The last one to go closes it. Any thread may use it.
///
/// A *work* is a callable `T(transaction&)`. It runs on a thread of the database, never on a scheduler's, and
/// owns what it needs: let it capture by value or move. It uses nothing of processes. It fails as a whole:
/// if it throws, or its commit fails, nothing of it has happened.
///
/// On a stepped node a work runs within the `co_await`, so that whatever happens is a function of the seed.
class database {
public:
  /// Opens it and applies the migrations; blocks meanwhile. The error names the place and what to do. A
  /// password in `where` is in no error.
  [[nodiscard]] static std::expected<database, std::string> open(const database_options& options);

  /// `std::expected<T, error> r = co_await db.write(std::move(work))`: suspends the process until the work is
  /// committed. Works of processes that wait at the same time share one commit, each in a part of its own, so
  /// that one that fails undoes itself alone. They run in the order in which they were handed over. An
  /// exception of the work that is no `failure` is rethrown here.
  ///
  /// The process may be killed at any time; the work is then done all the same.
  template <class F>
  [[nodiscard]] detail::pending<detail::result_of<F>> write(F work) const {
    return wait_for(detail::job_kind::write, std::move(work));
  }
  /// The same for a work that only reads: runs beside the writes, on one state of the data, which has in it
  /// all writes that have been answered.
  template <class F>
  [[nodiscard]] detail::pending<detail::result_of<F>> read(F work) const {
    return wait_for(detail::job_kind::read, std::move(work));
  }
  /// Copies all of it into a new file, as of one moment, while works go on; `co_await`. The file is there,
  /// under that name, when it is complete. SQLite only: PostgreSQL has programs for it.
  [[nodiscard]] detail::pending<void> back_up_to(std::string path) const {
    return {engine_, std::make_unique<detail::backup_job>(std::move(path))};
  }

  /// @{
  /// The same outside of processes: block the calling thread.
  template <class F>
  std::expected<detail::result_of<F>, error> write_now(F work) const {
    return run_now<detail::result_of<F>>(
        std::make_unique<detail::work_job<F>>(detail::job_kind::write, std::move(work)));
  }
  template <class F>
  std::expected<detail::result_of<F>, error> read_now(F work) const {
    return run_now<detail::result_of<F>>(
        std::make_unique<detail::work_job<F>>(detail::job_kind::read, std::move(work)));
  }
  std::expected<void, error> back_up_now(std::string path) const {
    return run_now<void>(std::make_unique<detail::backup_job>(std::move(path)));
  }
  /// @}

  /// Takes no more works, does all it has taken, and ends its threads; blocks meanwhile. Idempotent.
  void close() const;
  /// Where it is, for people: without a password.
  [[nodiscard]] const std::string& place() const noexcept;
  [[nodiscard]] database_statistics statistics() const;

private:
  explicit database(std::shared_ptr<detail::engine> of) noexcept : engine_(std::move(of)) {}

  template <class F>
  detail::pending<detail::result_of<F>> wait_for(detail::job_kind kind, F work) const {
    return {engine_, std::make_unique<detail::work_job<F>>(kind, std::move(work))};
  }
  template <class T>
  std::expected<T, error> run_now(std::unique_ptr<detail::job_with_outcome<T>> what) const {
    detail::outcome<T> place;
    std::binary_semaphore done(0);
    what->tell(place, done);
    detail::submit(*engine_, std::move(what));
    done.acquire();
    return place.take();
  }

  std::shared_ptr<detail::engine> engine_;
};

} // namespace coppice::store

namespace coppice {
template <>
struct enable_sendable<store::database> {
  static constexpr bool value = true;
};
} // namespace coppice
