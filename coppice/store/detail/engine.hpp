// The threads of a database: one that writes, some that read, each with a connection and a queue before it.
#pragma once

#include "coppice/store/database.hpp"
#include "coppice/store/detail/connection.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace coppice::store::detail {

/// Works that wait for a thread.
class job_queue {
public:
  explicit job_queue(std::size_t most) noexcept : most_(most) {}

  /// Takes the job over, unless it returns why not.
  [[nodiscard]] std::optional<error> push(std::unique_ptr<job>& what);
  /// Waits for works and takes up to so many; none: it is closed and empty.
  void pop(std::vector<std::unique_ptr<job>>& into, std::size_t most);
  void close();
  [[nodiscard]] std::size_t size() const;

private:
  std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<job>> jobs_;
  std::size_t idle_ = 0;
  bool closed_ = false;
};

/// A connection that is opened when it is needed, and again when it broke.
class lasting_connection {
public:
  explicit lasting_connection(connector open, std::unique_ptr<connection> first = nullptr) noexcept
      : open_(std::move(open)), now_(std::move(first)) {}
  /// Throws `failure` if there is none to be had.
  connection& get();

private:
  connector open_;
  std::unique_ptr<connection> now_;
};

/// What the threads share; may live longer than the engine, if the last handle goes on one of the threads.
struct engine_state {
  engine_state(connector opens, std::unique_ptr<connection> first, const database_options& options);

  void serve_writes();
  void serve_reads();
  void do_writes(std::vector<std::unique_ptr<job>>& batch);
  void commit(connection& on);
  void do_alone(connection& on, job& what);
  /// Does works from `from` on in one transaction and tells their processes; where to go on.
  std::size_t do_some(std::vector<std::unique_ptr<job>>& batch, std::size_t from);

  const connector open;
  const std::size_t max_batch;
  job_queue writes;
  job_queue reads;
  std::mutex writing; ///< held for `writer`
  lasting_connection writer;
  std::atomic<std::uint64_t> writes_done{0};
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> reads_done{0};
  std::atomic<std::int64_t> committing{0}; ///< nanoseconds
};

class engine {
public:
  engine(std::string place, connector open, std::unique_ptr<connection> first,
         const database_options& options);
  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;
  ~engine() { close(); }

  void take(std::unique_ptr<job> what);
  void close();

  const std::string place;
  const std::shared_ptr<engine_state> state;

private:
  bool reads_apart_;
  std::mutex closing_;
  std::vector<std::thread> threads_; ///< under closing_
};

} // namespace coppice::store::detail
