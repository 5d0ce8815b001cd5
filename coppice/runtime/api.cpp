#include "coppice/runtime/api.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/signals.hpp"

#include <stdexcept>

namespace coppice {

using namespace literals;
using detail::envelope_kind;
using detail::process_block;
using detail::running_node;
using detail::running_process;
using detail::runtime_section;
using detail::send_signal;
using detail::signal;

// --- spawning ---

namespace detail {

process_block& new_process(coppice::node& home) {
  runtime_section section;
  if (process_block* parent = current().process; parent != nullptr && parent->zombie) {
    throw exit_exception(parent->reason()); // the dead start nobody: a link to them would never fire
  }
  machine& m = home.internals();
  process_block* p =
      m.shut_down.load(std::memory_order_relaxed) && current().process == nullptr ? nullptr : m.acquire();
  if (p == nullptr) {
    throw std::length_error("spawn: the process table is full or the node is shutting down; raise "
                            "node_options::max_processes if this many processes are meant");
  }
  p->home = &m.owner;
  return *p;
}

void abandon_process(process_block& p) noexcept {
  runtime_section section;
  p.id.fetch_add(std::uint64_t{1} << pid::slot_bits, std::memory_order_release);
  machine_of(p).release(p);
}

namespace {

void label_process(process_block& p, std::string label) {
  if (p.extras == nullptr) p.extras = new process_extras;
  p.extras->labelled = true;
  machine_of(p).labels.set(p.self(), std::move(label));
}

} // namespace

reference launch(process_block& p, const spawn_options& options) {
  runtime_section section;
  reference ref;
  process_block* parent = current().process;
  pid id = p.self();
  if (parent != nullptr) {
    p.parent_id.store(parent->self().id, std::memory_order_relaxed);
    p.group_leader = parent->group_leader;
    if (options.link) {
      std::uint32_t link_id = parent->next_link_id++;
      ties_of(*parent).links[id] = {link_id, 0};
      ties_of(p).links[parent->self()] = {0, link_id};
    }
    if (options.monitor) {
      std::uint64_t unique = next_unique(*p.home);
      ref = reference::local(unique);
      ties_of(*parent).monitors[unique] = {id, atom()};
      ties_of(p).watchers[unique] = parent->self();
    }
  } else {
    p.parent_id.store(0, std::memory_order_relaxed);
    p.group_leader = pid();
  }
  p.priority.store(static_cast<std::uint8_t>(options.prio), std::memory_order_relaxed);
  p.mailbox_limit.store(options.mailbox_limit, std::memory_order_relaxed);
  p.policy.store(options.on_overflow, std::memory_order_relaxed);
  if (p.program == nullptr) {
    p.label.store(options.label, std::memory_order_relaxed);
    p.behaviour.store("process", std::memory_order_relaxed);
  } else {
    // Both are of static storage and ended by a NUL, as `body` demands.
    // NOLINTBEGIN(bugprone-suspicious-stringview-data-usage)
    p.label.store(p.program->label().data(), std::memory_order_relaxed);
    p.behaviour.store(p.program->behaviour().data(), std::memory_order_relaxed);
    // NOLINTEND(bugprone-suspicious-stringview-data-usage)
    if (options.label != nullptr) label_process(p, options.label);
  }
  if (parent != nullptr && is_traced(*parent, trace_procs)) [[unlikely]]
    note_event(*parent, trace_kind::spawn, id, term());
  if (machine_of(p).traces.traces_all() || (parent != nullptr && is_traced(*parent, trace_on_spawn)))
      [[unlikely]]
    trace_newcomer(p, parent);
  p.counted.store((id.generation() & 0xffffffffU) << 32U, std::memory_order_relaxed);
  p.inbox.store(nullptr, std::memory_order_release); // from here on it can be sent to
  machine_of(p).make_runnable(p);
  return ref;
}

pid registered_or_exit(const atom& name) {
  std::optional<pid> found = whereis(name);
  if (!found) exit(exit_reason(term::tuple("badarg"_atom, name)));
  return *found;
}

} // namespace detail

monitored spawn_body(const spawn_options& options, std::unique_ptr<body> program) {
  process_block& p = detail::new_process(running_node());
  p.program = program.release();
  pid id = p.self();
  reference ref = detail::launch(p, options);
  return {id, ref};
}

void start_task(process coroutine) {
  process_block& p = running_process();
  if (p.program == nullptr || p.root) {
    throw std::logic_error("start_task: only a body without a task under way may start one");
  }
  p.root = p.resume = coroutine.release();
}

pid self_pid() { return running_process().self(); }
pid self_pid_or_none() noexcept {
  process_block* p = detail::current().process;
  return p == nullptr ? pid() : p->self();
}

// --- names ---

namespace {

/// Notes that the process has a name; false if it has one already or is dead. Any thread.
bool claim_name(process_block& p, pid process) noexcept {
  std::uint32_t stamp = process_block::name_stamp(process);
  std::uint32_t before = p.named.load(std::memory_order_seq_cst);
  if (before == stamp || p.id.load(std::memory_order_seq_cst) != process.id) return false;
  return p.named.compare_exchange_strong(before, stamp, std::memory_order_seq_cst);
}

void unclaim_name(process_block& p, pid process) noexcept {
  std::uint32_t mine = process_block::name_stamp(process);
  p.named.compare_exchange_strong(mine, 0, std::memory_order_seq_cst);
}

void set_name(process_block& p, const atom& name) {
  if (p.extras == nullptr) p.extras = new detail::process_extras;
  p.extras->registered_name = name;
}

} // namespace

bool register_name(const atom& name, pid process) {
  runtime_section section;
  process_block& me = running_process();
  coppice::node& home = *me.home;
  if (name.empty() || name == "undefined"_atom || !home.is_process_alive(process)) return false;
  detail::machine& m = home.internals();
  process_block& named = *m.table.find(process.id);
  if (!claim_name(named, process)) return false;
  if (!m.names.add(name, process)) {
    unclaim_name(named, process);
    return false;
  }
  if (detail::is_traced(named, detail::trace_procs)) {
    detail::note_event(named, trace_kind::register_name, pid(), name);
  }
  if (&named == &me) {
    set_name(me, name);
    return true;
  }
  // The process itself keeps its name, so that its death frees it: it is told.
  detail::inspect(
      home, process,
      [name](process_block& p) {
        if (p.home->internals().names.find(name) == p.self()) set_name(p, name); // not unregistered meanwhile
      },
      [&m, name, process] { m.names.remove(name, process); });
  return true;
}

bool unregister_name(const atom& name) {
  runtime_section section;
  coppice::node& home = running_node();
  detail::machine& m = home.internals();
  std::optional<pid> owner = whereis(name);
  if (!owner || !m.names.remove(name, *owner)) return false;
  process_block& named = *m.table.find(owner->id);
  unclaim_name(named, *owner);
  if (detail::is_traced(named, detail::trace_procs)) {
    detail::note_event(named, trace_kind::unregister_name, pid(), name);
  }
  auto forget = [name](process_block& p) {
    if (p.extras != nullptr && p.extras->registered_name == name) p.extras->registered_name = atom();
  };
  if (*owner == self_pid_or_none()) {
    forget(running_process());
  } else {
    detail::inspect(home, *owner, forget, [] {});
  }
  return true;
}

std::optional<pid> whereis(const atom& name) { return running_node().whereis(name); }

std::optional<pid> resolve(const remote_name& process) {
  runtime_section section;
  remote_channel* way = running_node().internals().remote.load(std::memory_order_acquire);
  if (way != nullptr) return way->address(process.name, process.node);
  if (process.node == "nonode@nohost"_atom) return whereis(process.name).value_or(pid());
  return std::nullopt;
}

std::vector<atom> registered() {
  std::vector<atom> names;
  for (auto& [name, owner] : running_node().internals().names.all()) names.push_back(name);
  return names;
}

// --- links and monitors ---

void link(pid other) {
  runtime_section section;
  process_block& me = running_process();
  if (other == me.self()) return;
  detail::link_ids& ids = detail::ties_of(me).links[other];
  if (ids.mine != 0 || ids.theirs != 0) return;
  if (detail::is_traced(me, detail::trace_procs)) detail::note_event(me, trace_kind::link, other, term());
  ids.mine = me.next_link_id++;
  send_signal(*me.home, other, envelope_kind::link, 0, signal{me.self(), exit_reason(), ids});
}

void unlink(pid other) {
  runtime_section section;
  process_block& me = running_process();
  if (me.ties == nullptr) return;
  auto found = me.ties->links.find(other);
  if (found == me.ties->links.end()) return;
  detail::link_ids ids = found->second;
  me.ties->links.erase(found);
  if (detail::is_traced(me, detail::trace_procs)) detail::note_event(me, trace_kind::unlink, other, term());
  send_signal(*me.home, other, envelope_kind::unlink, 0, signal{me.self(), exit_reason(), ids});
}

namespace {

reference watch(pid process, const atom& name) {
  runtime_section section;
  process_block& me = running_process();
  std::uint64_t unique = detail::next_unique(*me.home);
  detail::ties_of(me).monitors[unique] = {process, name};
  send_signal(*me.home, process, envelope_kind::monitor, unique, signal{me.self(), exit_reason()});
  return reference::local(unique);
}

/// Takes the first message for which `is` holds out of the mailbox.
template <class F>
bool flush_one(process_block& p, F is) {
  detail::envelope* previous = nullptr;
  for (detail::envelope* e = p.first; e != nullptr; previous = e, e = e->next) {
    if (!is(*e)) continue;
    detail::envelope_ptr taken = detail::take_after(p, previous);
    return true;
  }
  return false;
}

} // namespace

reference monitor(pid process) { return watch(process, atom()); }

reference monitor(const atom& name) { return watch(whereis(name).value_or(pid()), name); }

reference monitor(const remote_name& process) {
  std::optional<pid> address = resolve(process);
  if (address) return watch(*address, process.name);
  // No such node can be: the answer is that of a connection which cannot be made.
  reference ref = make_ref();
  send(self_pid(), down{ref, pid(), process.name, exit_reason::noconnection(), process.node});
  return ref;
}

bool demonitor(const reference& ref, bool flush) {
  runtime_section section;
  process_block& me = running_process();
  bool active = false;
  if (me.ties != nullptr) {
    auto found = me.ties->monitors.find(ref.unique());
    active = found != me.ties->monitors.end();
    if (active) {
      send_signal(*me.home, found->second.process, envelope_kind::demonitor, ref.unique(),
                  signal{me.self(), exit_reason()});
      me.ties->monitors.erase(found);
    }
  }
  if (flush && !active) {
    detail::drain(me);
    flush_one(me, [&ref](detail::envelope& e) {
      return e.kind == envelope_kind::message && e.ops->type->hash == type_hash<down>() &&
             e.as<down>().ref == ref;
    });
  }
  return active;
}

reference alias() {
  runtime_section section;
  process_block& me = running_process();
  std::uint64_t unique = detail::next_unique(*me.home);
  detail::ties_of(me).aliases[unique] = false;
  reference ref = reference::local(unique);
  std::uint64_t id = me.self().id;
  ref.words[3] = static_cast<std::uint32_t>(id);
  ref.words[4] = static_cast<std::uint32_t>(id >> 32);
  ref.len = 5;
  return ref;
}

bool unalias(const reference& alias) {
  runtime_section section;
  process_block& me = running_process();
  return me.ties != nullptr && me.ties->aliases.erase(alias.unique()) > 0;
}

reference make_ref() { return reference::local(detail::next_unique(running_node())); }

// --- exits ---

void exit(pid process, exit_reason reason) {
  process_block& me = running_process();
  {
    runtime_section section;
    send_signal(*me.home, process, envelope_kind::exit, 0, signal{me.self(), std::move(reason), {}, false});
    if (process != me.self()) return;
    detail::drain(me); // a signal to oneself takes effect before this returns, as in OTP
    if (!me.dying || me.status.load(std::memory_order_relaxed) == detail::process_status::exiting) return;
    reason = me.reason();
  }
  throw exit_exception(std::move(reason));
}

bool is_process_alive(pid process) { return running_node().is_process_alive(process); }

// --- flags ---

bool trap_exit(bool on) {
  runtime_section section;
  return std::exchange(running_process().trap_exit, on);
}

priority set_priority(priority p) {
  return static_cast<priority>(
      running_process().priority.exchange(static_cast<std::uint8_t>(p), std::memory_order_relaxed));
}

void set_mailbox_limit(std::uint32_t messages, overflow policy) {
  process_block& me = running_process();
  me.policy.store(policy, std::memory_order_relaxed);
  me.mailbox_limit.store(messages, std::memory_order_relaxed);
}

bool set_async_dist(bool on) {
  runtime_section section;
  return std::exchange(running_process().async_dist, on);
}

pid group_leader() {
  runtime_section section;
  return running_process().group_leader;
}

void set_group_leader(pid leader, pid process) {
  runtime_section section;
  if (process == self_pid()) {
    running_process().group_leader = leader;
    return;
  }
  if (!process.local()) {
    remote_channel* way = running_node().internals().remote.load(std::memory_order_acquire);
    if (way != nullptr) way->set_group_leader(leader, process);
    return;
  }
  detail::inspect(running_node(), process, [leader](process_block& p) { p.group_leader = leader; }, [] {});
}

void pin(bool on) {
  runtime_section section;
  detail::worker* w = detail::current().thread;
  std::int16_t core =
      on && w != nullptr && w->on != nullptr ? static_cast<std::int16_t>(w->on->index) : std::int16_t{-1};
  running_process().pinned.store(core, std::memory_order_relaxed);
}

void set_label(std::string label) {
  runtime_section section;
  constexpr std::size_t longest = 255;
  if (label.size() > longest) {
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(label[end]) & 0xc0U) == 0x80U) --end; // no half character
    label.resize(end);
  }
  detail::label_process(running_process(), std::move(label));
}

void hibernate() {
  runtime_section section;
  process_block& me = running_process();
  if (me.ties != nullptr) {
    if (me.ties->empty()) {
      delete std::exchange(me.ties, nullptr);
    } else {
      me.ties->links.rehash(0);
      me.ties->monitors.rehash(0);
      me.ties->watchers.rehash(0);
      me.ties->aliases.rehash(0);
      me.ties->requests.rehash(0);
    }
  }
  me.hibernates = true;
  detail::give_back_memory();
}

} // namespace coppice
