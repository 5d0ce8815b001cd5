// A work on its way to the database and back.
#pragma once

#include "coppice/runtime/call.hpp"
#include "coppice/store/transaction.hpp"

#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <semaphore>
#include <type_traits>
#include <utility>

namespace coppice::store::detail {

class connection;

enum class job_kind : std::uint8_t {
  read,
  write,
  backup, ///< a read without a transaction
};

/// Which process waits under which tag, and what keeps its node's inside alive until it has its answer.
struct waiting_process {
  std::shared_ptr<void> machine;
  coppice::node* home = nullptr;
  pid process;
  std::uint64_t tag = 0;
};
[[nodiscard]] waiting_process as_waiting(coppice::detail::process_block& p, std::uint64_t tag);

/// What comes of a job.
template <class T>
struct outcome {
  outcome() noexcept {} // no aggregate: it has no form as a term
  std::exception_ptr thrown;
  std::optional<std::expected<T, error>> value;

  std::expected<T, error> take() {
    if (thrown) std::rethrow_exception(thrown);
    return std::move(*value);
  }
};

class job {
public:
  explicit job(job_kind of_kind) noexcept : kind(of_kind) {}
  job(const job&) = delete;
  job& operator=(const job&) = delete;
  virtual ~job() = default;

  /// Does the work and keeps what comes of it.
  virtual void run(transaction& t) = 0;
  /// Tells who waits; once. With an error, if what was done is undone.
  virtual void finish(const error* failed) noexcept = 0;
  /// What a backup is written to.
  [[nodiscard]] virtual std::string path() const { return {}; }

  job_kind kind;
  waiting_process waiting;
  std::exception_ptr thrown; ///< by the work, if it is none of ours: goes to who waits
  std::optional<error> why;  ///< it was undone
};

template <class T>
class job_with_outcome : public job {
public:
  using job::job;

  void finish(const error* failed) noexcept override {
    if (failed == nullptr && why) failed = &*why;
    if (thrown) {
      result_.thrown = std::move(thrown);
    } else if (failed != nullptr) {
      result_.value.emplace(std::unexpected(*failed));
    }
    if (done_ != nullptr) {
      *place_ = std::move(result_);
      done_->release();
    } else {
      coppice::detail::complete(*waiting.home, waiting.process, waiting.tag,
                                coppice::detail::make_message<outcome<T>>(std::move(result_)));
    }
  }
  /// Somebody who is no process waits.
  void tell(outcome<T>& place, std::binary_semaphore& done) noexcept {
    place_ = &place;
    done_ = &done;
  }

protected:
  outcome<T> result_;

private:
  outcome<T>* place_ = nullptr;
  std::binary_semaphore* done_ = nullptr;
};

template <class F>
using result_of = std::invoke_result_t<F&, transaction&>;

template <class F>
class work_job final : public job_with_outcome<result_of<F>> {
public:
  work_job(job_kind of_kind, F work) : job_with_outcome<result_of<F>>(of_kind), work_(std::move(work)) {}

  void run(transaction& t) override {
    auto& value = this->result_.value;
    if constexpr (std::is_void_v<result_of<F>>) {
      work_(t);
      value.emplace();
    } else {
      value.emplace(work_(t));
    }
  }

private:
  F work_;
};

/// Copies the database.
class backup_job final : public job_with_outcome<void> {
public:
  explicit backup_job(std::string to) : job_with_outcome<void>(job_kind::backup), to_(std::move(to)) {}
  void run(transaction& /*none*/) override { result_.value.emplace(); }
  [[nodiscard]] std::string path() const override { return to_; }

private:
  std::string to_;
};

} // namespace coppice::store::detail
