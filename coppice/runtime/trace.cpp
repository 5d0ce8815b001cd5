#include "coppice/runtime/trace.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/trace_table.hpp"

#include <utility>

namespace coppice {

using namespace literals;
using detail::process_block;

namespace {

std::uint8_t as_bits(trace_flags f) noexcept {
  return static_cast<std::uint8_t>(
      (f.send ? detail::trace_send : 0) | (f.receive ? detail::trace_receive : 0) |
      (f.procs ? detail::trace_procs : 0) | (f.set_on_spawn ? detail::trace_on_spawn : 0));
}

/// False if the process is dead. A slot that changes hands meanwhile costs its new process a look in the
/// table, no more.
bool mark(detail::machine& m, pid process, std::uint8_t bits) noexcept {
  process_block* p = process.local() ? m.table.find(process.id) : nullptr;
  if (p == nullptr || p->id.load(std::memory_order_acquire) != process.id) return false;
  p->traced.store(bits, std::memory_order_relaxed);
  return true;
}

/// What a tracer does is not traced.
thread_local bool telling = false; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void tell(process_block& p, trace_kind what, pid other, term content) {
  detail::machine& m = machine_of(p);
  detail::trace_table::entry_ptr entry = m.traces.find(p.self());
  if (entry == nullptr || entry->to.process() == p.self()) return;
  telling = true;
  try {
    entry->to(trace_event{what, p.self(), other, std::move(content), m.time->now()});
  } catch (...) { // catch-all: a tracer must not change what it looks at
  }
  telling = false;
}

/// With its form, as OTP's behaviours send it.
term traced_message(const detail::envelope& e) {
  term content = detail::message_as_term(e);
  if (e.form == detail::message_form::cast) return term::tuple("$gen_cast"_atom, std::move(content));
  if (e.form == detail::message_form::call && e.kind == detail::envelope_kind::message) {
    const from& who = detail::from_of(const_cast<detail::envelope&>(e)); // NOLINT: it is only read
    return term::tuple("$gen_call"_atom, who.as_term(), std::move(content));
  }
  return content;
}

} // namespace

term trace_event::as_term() const {
  auto made = [this](std::string_view tag, auto... rest) {
    return term::tuple("trace"_atom, process, atom(tag), rest...);
  };
  switch (what) {
  case trace_kind::send: return made("send", content, other);
  case trace_kind::send_to_non_existing_process: return made("send_to_non_existing_process", content, other);
  case trace_kind::receive: return made("receive", content);
  case trace_kind::spawn: return made("spawn", other);
  case trace_kind::spawned: return made("spawned", other);
  case trace_kind::exit: return made("exit", content);
  case trace_kind::link: return made("link", other);
  case trace_kind::unlink: return made("unlink", other);
  case trace_kind::register_name: return made("register", content);
  case trace_kind::unregister_name: return made("unregister", content);
  }
  return made("unknown");
}

tracer trace_to(node& at, pid process) {
  tracer t(
      [&home = at.internals().owner, process](const trace_event& e) { home.send(process, e.as_term()); });
  t.process_ = process;
  return t;
}

bool trace(node& at, pid process, trace_flags flags, tracer to) {
  detail::runtime_section section;
  detail::machine& m = at.internals();
  if (!at.is_process_alive(process)) return false;
  auto entry = std::make_shared<detail::trace_table::entry>();
  entry->bits = as_bits(flags);
  entry->to = std::move(to);
  m.traces.set(process, entry);
  if (mark(m, process, entry->bits)) return true;
  m.traces.forget(process);
  return false;
}

void trace_all(node& at, trace_flags flags, tracer to) {
  detail::runtime_section section;
  detail::machine& m = at.internals();
  auto entry = std::make_shared<detail::trace_table::entry>();
  entry->bits = as_bits(flags);
  entry->to = std::move(to);
  m.traces.set_all(std::move(entry));
  for (const process_summary& p : at.processes()) {
    if (auto e = m.traces.find(p.process)) mark(m, p.process, e->bits);
  }
}

void trace_off(node& at, pid process) {
  detail::runtime_section section;
  detail::machine& m = at.internals();
  m.traces.forget(process);
  mark(m, process, 0);
}

void trace_off(node& at) {
  detail::runtime_section section;
  detail::machine& m = at.internals();
  m.traces.set_all(nullptr);
  for (const process_summary& p : at.processes()) {
    m.traces.forget(p.process);
    mark(m, p.process, 0);
  }
}

namespace detail {

void trace_table::set(pid process, entry_ptr e) {
  std::lock_guard guard(mutex_);
  own_[process] = std::move(e);
}

void trace_table::set_all(entry_ptr e) {
  std::lock_guard guard(mutex_);
  all_on_.store(e != nullptr, std::memory_order_relaxed);
  all_ = std::move(e);
}

void trace_table::forget(pid process) noexcept {
  std::lock_guard guard(mutex_);
  own_.erase(process);
}

trace_table::entry_ptr trace_table::find(pid process) const {
  std::lock_guard guard(mutex_);
  auto found = own_.find(process);
  return found == own_.end() ? all_ : found->second;
}

void note_message(process_block& p, trace_kind what, pid other, const envelope& e) noexcept {
  if (telling) return;
  try {
    tell(p, what, other, traced_message(e));
  } catch (...) { // catch-all: for want of memory an event is lost, no more
  }
}

void note_event(process_block& p, trace_kind what, pid other, term content) noexcept {
  if (telling) return;
  try {
    tell(p, what, other, std::move(content));
  } catch (...) { // catch-all: likewise
  }
}

void trace_newcomer(process_block& p, process_block* parent) noexcept {
  trace_table& traces = machine_of(p).traces;
  bool inherits = parent != nullptr && is_traced(*parent, trace_on_spawn);
  try {
    trace_table::entry_ptr entry = traces.find(inherits ? parent->self() : pid());
    if (entry == nullptr) return;
    if (inherits) traces.set(p.self(), entry);
    p.traced.store(entry->bits, std::memory_order_relaxed);
  } catch (...) { // catch-all: likewise
    return;
  }
  if (is_traced(p, trace_procs)) {
    note_event(p, trace_kind::spawned, parent == nullptr ? pid() : parent->self(), term());
  }
}

} // namespace detail

} // namespace coppice
