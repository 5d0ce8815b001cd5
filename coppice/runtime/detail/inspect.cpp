#include "coppice/runtime/detail/inspect.hpp"

#include <utility>

namespace coppice::detail {
namespace {

struct inspect_envelope final : envelope, pooled {
  std::move_only_function<void(process_block&)> look;
  std::move_only_function<void()> gone;

  inspect_envelope(std::move_only_function<void(process_block&)> l, std::move_only_function<void()> g)
      : envelope(&operations), look(std::move(l)), gone(std::move(g)) {
    kind = envelope_kind::inspect;
  }
  static void destroy(envelope* e) noexcept { delete static_cast<inspect_envelope*>(e); }
  static void reject(envelope* e, const exit_reason&) noexcept {
    auto* me = static_cast<inspect_envelope*>(e);
    me->gone();
    delete me;
  }
  static const envelope_ops operations;
};

constexpr message_type inspect_type{0, "inspect", nullptr};
constexpr envelope_ops inspect_envelope::operations{&inspect_type, &destroy, &reject, sizeof(envelope)};

} // namespace

void inspect(coppice::node& home, pid to, std::move_only_function<void(process_block&)> look,
             std::move_only_function<void()> gone) {
  deliver(home, to, envelope_ptr(new inspect_envelope(std::move(look), std::move(gone))));
}

void run_inspection(process_block& p, envelope_ptr e) { static_cast<inspect_envelope&>(*e).look(p); }

void ask_for_room(coppice::node& home, pid full, pid sender, std::uint64_t tag) {
  inspect(
      home, full,
      [sender, tag](process_block& p) {
        if (p.extras == nullptr) p.extras = new process_extras;
        p.extras->pushed_back.emplace_back(sender, tag);
        if (p.messages_counted() <= p.mailbox_limit.load(std::memory_order_relaxed) / 2) {
          release_senders(p); // it has caught up while the question was under way
        }
      },
      [&home, sender, tag] { complete(home, sender, tag, make_message<room>()); });
}

void release_senders(process_block& p) noexcept {
  for (auto& [sender, tag] : std::exchange(p.extras->pushed_back, {})) {
    complete(*p.home, sender, tag, make_message<room>());
  }
}

} // namespace coppice::detail
