#include "coppice/runtime/process.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/relations.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>

namespace coppice {

using namespace literals;

// --- what the runtime itself sends, as terms ---

term describe<down>::to(const down& d) {
  term object = d.process;
  if (!d.name.empty()) object = term::tuple(d.name, d.node.empty() ? "nonode@nohost"_atom : d.node);
  return term::tuple("DOWN"_atom, d.ref, "process"_atom, object, d.reason.value());
}

term describe<exit_signal>::to(const exit_signal& e) {
  return term::tuple("EXIT"_atom, e.from, e.reason.value());
}

term describe<timeout_message>::to(const timeout_message& t) {
  return term::tuple("timeout"_atom, t.timer, t.message);
}

namespace {

/// The elements of a tuple of that size and first element, else nothing.
std::span<const term> tagged(const term& t, const atom& tag, std::size_t size) {
  if (!t.is_tuple()) return {};
  auto elements = t.elements();
  if (elements.size() != size || !elements[0].is_atom(tag)) return {};
  return elements;
}

decode_error not_a(std::string_view shape, const term& t) {
  return {std::string(), std::string(shape), to_string(t, text_options{.limit = 100})};
}

} // namespace

std::expected<down, decode_error> describe<down>::from(const term& t) {
  auto e = tagged(t, "DOWN"_atom, 5);
  if (e.empty() || !e[1].as_reference())
    return std::unexpected(not_a("{'DOWN', Ref, process, Object, Reason}", t));
  down d{*e[1].as_reference(), e[3].as_pid().value_or(pid()), atom(), exit_reason(e[4])};
  if (e[3].is_tuple() && e[3].elements().size() == 2) {
    d.name = e[3].elements()[0].as_atom().value_or(atom());
    d.node = e[3].elements()[1].as_atom().value_or(atom());
    if (d.node == "nonode@nohost"_atom) d.node = atom();
  }
  return d;
}

std::expected<exit_signal, decode_error> describe<exit_signal>::from(const term& t) {
  auto e = tagged(t, "EXIT"_atom, 3);
  if (e.empty() || !e[1].as_pid()) return std::unexpected(not_a("{'EXIT', Pid, Reason}", t));
  return exit_signal{*e[1].as_pid(), exit_reason(e[2])};
}

std::expected<timeout_message, decode_error> describe<timeout_message>::from(const term& t) {
  auto e = tagged(t, "timeout"_atom, 3);
  if (e.empty() || !e[1].as_reference()) return std::unexpected(not_a("{timeout, Ref, Message}", t));
  return timeout_message{*e[1].as_reference(), e[2]};
}

term detail::message_as_term(const envelope& e) {
  term value = e.ops->type->to_term(e.value());
  return e.kind == envelope_kind::completion ? term::tuple(reference::local(e.tag), value) : value;
}

// --- waits without messages ---

idle_for::idle_for(duration time) noexcept : time_(time) {
  wait_.over = [](detail::waiter&, detail::process_block& p) { return p.timed_out; };
}

void idle_for::await_suspend(std::coroutine_handle<> caller) {
  detail::process_block& p = detail::running_process();
  detail::runtime_section section;
  detail::set_deadline(p, time_);
  p.waiting = &wait_;
  p.resume = caller;
}

void idle_for::await_resume() noexcept { detail::clear_deadline(*detail::current().process); }

void yield::await_suspend(std::coroutine_handle<> caller) noexcept {
  detail::process_block& p = *detail::current().process;
  wait_.over = [](detail::waiter&, detail::process_block&) { return true; };
  p.waiting = &wait_;
  p.resume = caller;
  detail::current().budget = 0;
}

// --- from ---

namespace {

/// A reply without a wait of its own: what a call gets when there is no reply.
void send_failure(coppice::node& home, pid caller, std::uint64_t tag, exit_reason reason) noexcept {
  detail::complete(home, caller, tag,
                   detail::make_message<detail::call_failed>(detail::call_failed{std::move(reason)}));
}

} // namespace

void from::fail(exit_reason reason) noexcept {
  if (home_ != nullptr) send_failure(*std::exchange(home_, nullptr), caller_, tag_, std::move(reason));
}

void from::drop() noexcept {
  detail::runtime_section section;
  detail::process_block* holder = detail::current().process;
  if (holder != nullptr && !holder->dying && (holder->unwinding || std::uncaught_exceptions() > 0)) {
    // The reason is not known yet: it is what becomes of the exception.
    // Without memory for it the program ends, as it would anywhere in an unwinding.
    if (holder->extras == nullptr)
      holder->extras = new detail::process_extras; // NOLINT(bugprone-unhandled-*)
    holder->extras->orphans.emplace_back(caller_, tag_);
    home_ = nullptr;
    return;
  }
  fail(holder != nullptr && holder->dying ? holder->reason() : exit_reason("noreply"_atom));
}

void detail::answer_orphans(process_block& p, const exit_reason& reason) noexcept {
  if (p.extras == nullptr) return;
  for (auto& [caller, tag] : std::exchange(p.extras->orphans, {})) send_failure(*p.home, caller, tag, reason);
}

term from::as_term() const { return term::tuple(caller_, reference::local(tag_)); }

// --- process_info ---

namespace {

constexpr std::size_t messages_named = 10;
constexpr std::size_t messages_weighed = 1000; ///< what comes after them is taken to be like them

void describe_mailbox(const detail::process_block& p, process_details& d) {
  std::size_t weighed = 0;
  std::size_t bytes = 0;
  for (const detail::envelope* e = p.first; e != nullptr && weighed < messages_weighed; e = e->next) {
    if (d.messages.size() < messages_named && e->ops->type != nullptr)
      d.messages.emplace_back(e->ops->type->name);
    bytes += detail::block_size(e);
    ++weighed;
  }
  if (weighed > 0) d.memory += bytes * std::max<std::size_t>(p.length, weighed) / weighed;
}

process_details describe_process(detail::process_block& p) {
  process_details d;
  d.summary = p.home->summary(p.self()).value_or(process_summary{});
  d.summary.message_queue_len = p.length;
  d.trap_exit = p.trap_exit;
  d.prio = static_cast<priority>(p.priority.load(std::memory_order_relaxed));
  d.group_leader = p.group_leader;
  d.memory = sizeof(detail::process_block) + (p.extras != nullptr ? sizeof(detail::process_extras) : 0);
  // The most derived object is where the allocator's block starts.
  if (p.program != nullptr) d.memory += detail::block_size(dynamic_cast<const void*>(p.program));
  if (p.root) d.memory += detail::block_size(p.root.address());
  describe_mailbox(p, d);
  if (p.ties != nullptr) {
    d.memory += sizeof(detail::relations);
    for (const auto& [other, ids] : p.ties->links) d.links.push_back(other);
    for (const auto& [ref, target] : p.ties->monitors) d.monitors.push_back(target.process);
    for (const auto& [ref, watcher] : p.ties->watchers) d.monitored_by.push_back(watcher);
  }
  return d;
}

/// A call whose request is an inspection.
class inspection_awaiter {
public:
  inspection_awaiter(pid about, duration timeout)
      : process_(detail::running_process()), about_(about), tag_(detail::next_unique(*process_.home)),
        wait_(process_, pid(), tag_, nullptr, timeout) {}
  [[nodiscard]] bool await_ready() {
    coppice::node& home = *process_.home;
    pid me = process_.self();
    detail::expect_completion(process_, tag_);
    detail::inspect(
        home, about_,
        [&home, me, tag = tag_](detail::process_block& p) {
          detail::complete(home, me, tag, detail::make_message<process_details>(describe_process(p)));
        },
        [&home, me, tag = tag_] { send_failure(home, me, tag, exit_reason::noproc()); });
    return wait_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  std::optional<process_details> await_resume() {
    auto reply = detail::read_reply<process_details>(wait_.finish());
    if (!reply) return std::nullopt;
    return std::move(*reply);
  }

private:
  detail::process_block& process_;
  pid about_;
  std::uint64_t tag_;
  detail::call_wait wait_;
};

} // namespace

task<std::optional<process_details>> process_info(pid process, duration timeout) {
  std::optional<process_details> found = co_await inspection_awaiter(process, timeout);
  co_return found;
}

} // namespace coppice
