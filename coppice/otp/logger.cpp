#include "coppice/otp/logger.hpp"

#include "coppice/otp/detail/report_limiter.hpp"
#include "coppice/otp/detail/report_text.hpp"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <utility>

namespace coppice {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<spdlog::logger> open_log(const std::string& file) {
  try {
    spdlog::sink_ptr sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
    auto log = std::make_shared<spdlog::logger>("coppice", std::move(sink));
    log->set_formatter(std::make_unique<spdlog::pattern_formatter>("%v", spdlog::pattern_time_type::utc, ""));
    log->set_level(spdlog::level::trace);
    return log;
  } catch (const spdlog::spdlog_ex& e) {
    throw std::runtime_error("install_logger: cannot open the log file '" + file + "': " + e.what());
  }
}

/// A thread that leaves SIGTERM and SIGINT to those who wait for them, as a node's do (`run_until_stopped`).
std::thread start_thread(std::function<void()> work) {
  sigset_t ending;
  sigset_t before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, &before); // the thread inherits it
  std::thread started(std::move(work));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

/// Takes reports from any thread; its own thread renders and writes them.
class report_log {
public:
  explicit report_log(logger_options options)
      : options_(std::move(options)), limiter_(options_.same_burst, options_.same_period) {
    if (!options_.write) {
      render_.colour = options_.file.empty() && isatty(STDERR_FILENO) == 1;
      options_.write = [log = open_log(options_.file)](std::string_view lines) {
        log->info("{}", lines);
        log->flush();
      };
    }
    render_.term_limit = options_.term_limit;
    writer_ = start_thread([this] { run(); });
  }
  ~report_log() {
    {
      std::lock_guard guard(mutex_);
      closing_ = true;
    }
    changed_.notify_one();
    writer_.join();
  }
  report_log(const report_log&) = delete;
  report_log& operator=(const report_log&) = delete;

  void take(const report& r, std::chrono::system_clock::time_point at, time_point now) {
    if (r.level < options_.level) return;
    {
      std::lock_guard guard(mutex_);
      if (queue_.size() >= options_.queue) {
        queue_.pop_front();
        ++lost_;
      }
      queue_.push_back({{r, at}, now});
    }
    changed_.notify_one();
  }

private:
  struct waiting {
    detail::log_entry entry;
    time_point now;
  };

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      auto something = [this] { return closing_ || !queue_.empty(); };
      if (limiter_.has_dropped()) {
        changed_.wait_for(lock, options_.same_period, something);
      } else {
        changed_.wait(lock, something);
      }
      std::deque<waiting> batch = std::exchange(queue_, {});
      std::uint64_t lost = std::exchange(lost_, 0);
      bool closing = closing_;
      lock.unlock();
      write_all(batch, lost, closing);
      lock.lock();
      if (closing && queue_.empty()) return;
    }
  }

  void write_all(std::deque<waiting>& batch, std::uint64_t lost, bool closing) {
    for (waiting& w : batch) {
      latest_ = w.now;
      latest_at_ = w.entry.at;
      auto verdict = limiter_.admit(w.entry.report, w.now);
      w.entry.dropped = verdict.dropped;
      if (verdict.write) write(w.entry);
    }
    if (lost > 0) write(lost_reports(lost));
    if (!limiter_.has_dropped() || !(batch.empty() || closing)) return;
    // The period is over, or the log is: what was held back is told in numbers.
    for (detail::log_entry& e : limiter_.expired(latest_ + options_.same_period)) {
      e.at = latest_at_;
      write(e);
    }
  }

  detail::log_entry lost_reports(std::uint64_t count) const {
    report r{severity::warning, "log_overrun", pid(), {}, exit_reason()};
    r.fields.emplace_back("lost", static_cast<std::int64_t>(count));
    return {std::move(r), latest_at_};
  }

  void write(const detail::log_entry& entry) {
    std::string lines = options_.format == log_format::json ? detail::render_json(entry, render_)
                                                            : detail::render_text(entry, render_);
    options_.write(lines);
  }

  logger_options options_;
  detail::render_options render_;
  detail::report_limiter limiter_; // this and what follows, up to the mutex, is the writer's own
  time_point latest_;
  std::chrono::system_clock::time_point latest_at_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<waiting> queue_;
  std::uint64_t lost_ = 0;
  bool closing_ = false;
  std::thread writer_;
};

} // namespace

std::optional<log_format> parse_log_format(std::string_view name) noexcept {
  if (name == "text") return log_format::text;
  if (name == "json") return log_format::json;
  return std::nullopt;
}

std::optional<severity> parse_severity(std::string_view name) noexcept {
  for (severity s : {severity::debug, severity::info, severity::notice, severity::warning, severity::error,
                     severity::critical}) {
    if (name == detail::to_string(s)) return s;
  }
  return std::nullopt;
}

void install_logger(node& n, logger_options options) {
  report_sink also = std::move(options.also);
  severity from = also ? severity::debug : options.level;
  auto log = std::make_shared<report_log>(std::move(options));
  const clock* time = &n.time(); // the node's own: it lives as long as the sink is called
  n.set_report_sink(
      [log, time, also = std::move(also)](const report& r) {
        if (also) also(r);
        log->take(r, time->system_now(), time->now());
      },
      from);
}

} // namespace coppice
