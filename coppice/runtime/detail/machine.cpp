#include "coppice/runtime/detail/machine.hpp"

#include "coppice/runtime/detail/signals.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <thread>

namespace coppice::detail {

void runtime_section::enter_revoked() noexcept {
  worker_->handover.lock(); // the monitor may just be trying
  if (worker_->revoked.load(std::memory_order_relaxed)) {
    locked_ = true;
  } else {
    worker_->handover.unlock();
  }
}

namespace {

void print_report(const report& r) {
  std::string line = fmt::format("{} {}: {}", r.kind, r.process, r.reason.to_string(1000));
  for (const auto& [name, value] : r.fields) line += fmt::format(" {}={}", name, value);
  if (const crash_details* details = r.reason.details()) {
    for (const std::string& frame : details->stack()) line += "\n    " + frame;
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

node_options complete_options(node_options o) {
  if (o.stepped && (o.schedule == nullptr || o.cores == 0)) o.cores = 1;
  if (o.cores == 0) o.cores = std::max(1U, std::thread::hardware_concurrency());
  o.cores = std::min(o.cores, 63U); // a timer's reference has 6 bits for its core
  if (o.time == nullptr) {
    if (o.stepped) {
      o.time = std::make_shared<manual_clock>();
    } else {
      o.time = std::make_shared<system_clock>();
    }
  }
  if (!o.make_poller) o.make_poller = &make_sleep_poller;
  if (!o.on_report) {
    o.on_report = &print_report;
    o.report_from = severity::error;
  }
  return o;
}

} // namespace

machine::machine(node_options given)
    : owner(*this), options(complete_options(std::move(given))), time(options.time),
      table(options.max_processes), timers(*this), started(time->now()), sink(options.on_report),
      report_from(static_cast<int>(options.report_from)), workers(*this),
      pool(std::make_unique<blocking_pool>(*this, options.blocking_threads)) {
  for (unsigned i = 0; i < options.cores; ++i) {
    cores.push_back(std::make_unique<core>(*this, table, i, started, options.make_poller()));
    cores.back()->marks.resize(options.cores);
  }
}

machine::~machine() {
  bound_thread bound(*this, workers.stepper()); // destructors of what is left may still send
  workers.drop_under_way();
  for (std::uint32_t slot = 0; slot < table.used(); ++slot) discard(*table.at(slot));
}

void machine::start() {
  if (!options.stepped) workers.start();
}

bool machine::stop(time_point deadline) {
  stopping.store(true, std::memory_order_seq_cst);
  bool pool_stopped = pool->stop(deadline);
  bool workers_stopped = options.stepped || workers.stop(deadline);
  return pool_stopped && workers_stopped;
}

namespace {

constexpr std::size_t coreless_backlog = 64;

} // namespace

void machine::requeue(process_block& p) noexcept {
  core* own = own_core();
  std::int16_t pinned = p.pinned.load(std::memory_order_relaxed);
  if (pinned >= 0 && (own == nullptr || static_cast<unsigned>(pinned) != own->index)) {
    cores[static_cast<std::size_t>(pinned)]->inject(p, 0);
  } else if (own != nullptr) {
    own->queue.push(p);
    if (own->queue.length() > 1) wake_one(*own);
  } else if (worker* w = current().thread; w != nullptr && current().home == &owner) {
    // Its core has been taken, yet it goes on giving others work: that one core takes it, until it cannot
    // keep up, so that this thread is not in the way of its own helpers.
    cores[w->first_core]->inject(p, coreless_backlog);
  } else {
    cores[next_core.fetch_add(1, std::memory_order_relaxed) % cores.size()]->inject(p, 0);
  }
}

void machine::wake_one(const core& busy) noexcept {
  std::uint32_t idle = idle_cores.load(std::memory_order_seq_cst);
  if (idle == 0 || searching.load(std::memory_order_seq_cst) != 0) return;
  bool even_from_nap = busy.overloaded();
  if (!even_from_nap && napping_cores.load(std::memory_order_relaxed) != 0) return; // that one looks
  for (std::unique_ptr<core>& c : cores) {
    if (c->wake_if_asleep(even_from_nap)) return;
  }
}

void machine::wake_one_for_what_waits() noexcept {
  for (const std::unique_ptr<core>& c : cores) {
    if (c->queue.length() > 0) wake_one(*c);
  }
}

process_block* machine::steal(core& thief) noexcept {
  for (std::size_t i = 1; i < cores.size(); ++i) {
    core& victim = *cores[(thief.index + i) % cores.size()];
    if (process_block* p = thief.queue.steal_from(victim.queue)) return p;
  }
  return nullptr;
}

bool machine::work_anywhere() noexcept {
  return std::ranges::any_of(cores, [](std::unique_ptr<core>& c) { return c->queue.has_stealable(); });
}

bool machine::any_overloaded() const noexcept {
  return std::ranges::any_of(cores, [](const std::unique_ptr<core>& c) { return c->overloaded(); });
}

bool machine::work_waits() const noexcept {
  return std::ranges::any_of(cores, [](const std::unique_ptr<core>& c) { return c->has_work(); });
}

std::optional<time_point> machine::next_due() const noexcept {
  std::optional<time_point> first;
  for (const std::unique_ptr<core>& c : cores) {
    std::optional<time_point> due = c->wheel.next_due();
    if (due && (!first || *due < *first)) first = due;
  }
  return first;
}

process_block* machine::acquire() {
  core* own = own_core();
  process_block* p = table.acquire(own == nullptr ? nullptr : &own->free);
  if (p == nullptr) return nullptr;
  if (own != nullptr) {
    own->spawned.add(1);
  } else {
    foreign_spawned.fetch_add(1, std::memory_order_release);
  }
  return p;
}

void machine::release(process_block& p) noexcept {
  core* own = own_core();
  if (own != nullptr) {
    own->ended.add(1);
  } else {
    foreign_ended.fetch_add(1, std::memory_order_release);
  }
  bool awaited = p.awaited.load(std::memory_order_seq_cst);
  if (awaited) p.awaited.store(false, std::memory_order_relaxed);
  table.release(p, own == nullptr ? nullptr : &own->free);
  if (awaited || shutting_down.load(std::memory_order_relaxed)) {
    std::lock_guard guard(finished_mutex);
    finished.notify_all();
  }
}

} // namespace coppice::detail
