#include "coppice/runtime/table.hpp"

#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/ownership.hpp"
#include "coppice/runtime/detail/signals.hpp"

#include <algorithm>
#include <utility>

namespace coppice::detail {
namespace {

void adopt(process_block& p, std::shared_ptr<ownership> what) {
  if (p.extras == nullptr) p.extras = new process_extras;
  p.extras->owned.push_back(std::move(what));
}

} // namespace

void ownership::begin() {
  runtime_section section;
  process_block& me = running_process();
  if (me.zombie) throw exit_exception(me.reason()); // nothing would end it
  owner_.store(me.self().id, std::memory_order_release);
  adopt(me, shared_from_this());
}

void ownership::require_alive() const {
  if (ended()) throw table_error("the table has ended with its owner; give it an heir if it is to stay");
}

void ownership::require_owner() const {
  require_alive();
  if (self_pid_or_none() != owner() || !owner()) {
    throw table_error("only its owner may change a table; send it a message, or have the table given away");
  }
}

void ownership::set_heir(pid heir, term data) {
  runtime_section section;
  require_owner();
  heir_ = heir;
  heir_data_ = std::move(data);
}

void ownership::give_away(pid to, term data) {
  runtime_section section;
  require_owner();
  process_block& me = running_process();
  if (to == me.self() || !me.home->is_process_alive(to)) {
    throw table_error("a table can be given to another process that is alive, and to no other");
  }
  std::shared_ptr<ownership> mine = shared_from_this();
  std::erase(me.extras->owned, mine);
  send_to(*me.home, to, me.self(), std::move(data));
}

void ownership::send_to(coppice::node& home, pid to, pid from, term data) {
  owner_.store(0, std::memory_order_release);
  std::shared_ptr<ownership> me = shared_from_this();
  inspect(
      home, to,
      [me, from, data](process_block& p) {
        me->owner_.store(p.self().id, std::memory_order_release);
        adopt(p, me);
        append(p, me->transfer(from, data).release());
      },
      [me] {
        me->end();
        me->clear();
      });
}

std::vector<std::shared_ptr<ownership>> end_ownerships(process_block& p) noexcept {
  std::vector<std::shared_ptr<ownership>> ended;
  if (p.extras == nullptr) return ended;
  for (std::shared_ptr<ownership>& o : std::exchange(p.extras->owned, {})) {
    if (o->heir_ && o->heir_ != p.self() && p.home->is_process_alive(o->heir_)) {
      o->send_to(*p.home, std::exchange(o->heir_, pid()), p.self(), std::exchange(o->heir_data_, term()));
    } else {
      o->owner_.store(0, std::memory_order_release);
      o->end();
      ended.push_back(std::move(o));
    }
  }
  return ended;
}

} // namespace coppice::detail
