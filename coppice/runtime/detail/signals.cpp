#include "coppice/runtime/detail/signals.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/machine.hpp"

namespace coppice::detail {
namespace {

struct signal_envelope final : envelope, pooled {
  signal content;

  explicit signal_envelope(signal s) noexcept : envelope(&operations), content(std::move(s)) {}
  static void destroy(envelope* e) noexcept { delete static_cast<signal_envelope*>(e); }
  static void reject(envelope* e, const exit_reason& reason) noexcept;
  static const envelope_ops operations;
};

constexpr message_type signal_type{0, "signal", nullptr};
constexpr envelope_ops signal_envelope::operations{&signal_type, &destroy, &reject, message_offset<signal>()};

/// The addressee is gone: whoever links or monitors is told `noproc`, as by OTP.
void signal_envelope::reject(envelope* e, const exit_reason&) noexcept {
  auto* s = static_cast<signal_envelope*>(e);
  coppice::node& home = *s->content.home;
  pid gone{s->to};
  if (s->kind == envelope_kind::link) {
    send_signal(home, s->content.from, envelope_kind::exit, 0,
                signal{gone, exit_reason::noproc(), {s->content.ids.theirs, s->content.ids.mine}, true});
  } else if (s->kind == envelope_kind::monitor) {
    send_signal(home, s->content.from, envelope_kind::down, s->tag, signal{gone, exit_reason::noproc()});
  }
  delete s;
}

bool same_link(const link_ids& here, const link_ids& there) noexcept {
  return (here.mine != 0 && here.mine == there.theirs) || (here.theirs != 0 && here.theirs == there.mine);
}

void receive_link(process_block& p, const signal& s) {
  link_ids& ids = ties_of(p).links[s.from];
  ids.theirs = s.ids.mine;
}

void receive_unlink(process_block& p, const signal& s) {
  if (p.ties == nullptr) return;
  auto found = p.ties->links.find(s.from);
  if (found == p.ties->links.end()) return;
  link_ids& ids = found->second;
  if (ids.mine == s.ids.theirs) ids.mine = 0;
  if (ids.theirs == s.ids.mine) ids.theirs = 0;
  if (ids.mine == 0 && ids.theirs == 0) p.ties->links.erase(found);
}

void receive_exit(process_block& p, signal& s) {
  if (s.by_link) {
    if (p.ties == nullptr) return;
    auto found = p.ties->links.find(s.from);
    if (found == p.ties->links.end() || !same_link(found->second, s.ids)) return; // of a link that is no more
    p.ties->links.erase(found);
  } else if (s.reason.is("kill")) {
    condemn(p, exit_reason::killed());
    return;
  }
  if (p.trap_exit && s.trappable) {
    append(p, make_message<exit_signal>(exit_signal{s.from, std::move(s.reason)}).release());
  } else if (!s.reason.is_normal() || (!s.by_link && s.from == p.self())) {
    condemn(p, std::move(s.reason));
  }
}

void receive_down(process_block& p, std::uint64_t tag, signal& s) {
  if (p.ties == nullptr) return;
  auto found = p.ties->monitors.find(tag);
  if (found == p.ties->monitors.end()) return;
  monitor_target watched = std::move(found->second);
  p.ties->monitors.erase(found);
  down d{reference::local(tag), s.from, std::move(watched.name), std::move(s.reason)};
  if (watched.process.by_name()) {
    d.process = pid();
    d.node = machine_of(p).remote.load(std::memory_order_acquire)->node_name(watched.process.node);
  }
  append(p, make_message<down>(std::move(d)).release());
}

} // namespace

void send_signal(coppice::node& home, pid to, envelope_kind kind, std::uint64_t tag, signal content) {
  content.home = &home;
  auto* e = new signal_envelope(std::move(content));
  e->kind = kind;
  e->tag = tag;
  deliver(home, to, envelope_ptr(e));
}

signal& signal_of(envelope& e) noexcept { return static_cast<signal_envelope&>(e).content; }

void handle_signal(process_block& p, envelope_ptr e) {
  auto& s = static_cast<signal_envelope&>(*e).content;
  switch (e->kind) {
  case envelope_kind::exit: receive_exit(p, s); break;
  case envelope_kind::link: receive_link(p, s); break;
  case envelope_kind::unlink: receive_unlink(p, s); break;
  case envelope_kind::monitor: ties_of(p).watchers[e->tag] = s.from; break;
  case envelope_kind::demonitor:
    if (p.ties != nullptr) p.ties->watchers.erase(e->tag);
    break;
  case envelope_kind::down: receive_down(p, e->tag, s); break;
  default: break;
  }
}

void condemn(process_block& p, exit_reason reason) noexcept {
  if (p.dying) return; // the first reason counts
  p.dying = true;
  if (!reason.is_normal()) p.why = std::make_unique<exit_reason>(std::move(reason));
}

relations& ties_of(process_block& p) {
  if (p.ties == nullptr) p.ties = new relations;
  return *p.ties;
}

} // namespace coppice::detail
