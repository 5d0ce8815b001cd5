#include "coppice/dist/detail/network.hpp"

#include "coppice/dist/handshake.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <string>
#include <unistd.h>
#include <utility>

namespace coppice::dist::detail {

using coppice::detail::envelope_ptr;

namespace {

/// The node's network: made once, it stays, for pids of other nodes do.
struct network_part {
  std::mutex lock;
  std::unique_ptr<network> net;
};

} // namespace

network::network(coppice::node& inner, const atom& name, std::uint32_t creation)
    : home(inner), names(name, creation),
      names_for_isolates(atom("host-" + std::to_string(::getpid()) + "@isolate"), 4, names),
      functions_(std::make_shared<function_table>()) {}

network::~network() {
  for (std::atomic<chunk*>& c : chunks_) std::unique_ptr<chunk> dropped(c.load(std::memory_order_relaxed));
}

network* network_of(coppice::node& home) noexcept {
  return static_cast<network*>(home.internals().remote.load(std::memory_order_acquire));
}

network& network_for(coppice::node& home, const atom& name, std::uint32_t creation) {
  const std::shared_ptr<network_part> part = home.part<network_part>();
  std::lock_guard guard(part->lock);
  if (part->net == nullptr) {
    part->net = std::make_unique<network>(home, name, creation);
    home.internals().remote.store(part->net.get(), std::memory_order_release);
  } else if (part->net->names.own().name() == "nonode@nohost" && name.name() != "nonode@nohost") {
    part->net->names.become(name, creation);
  }
  return *part->net;
}

void network::set_limits(queue_limits most) noexcept {
  limits.busy.store(most.busy, std::memory_order_relaxed);
  limits.most.store(most.most, std::memory_order_relaxed);
}

void network::set_functions(std::shared_ptr<const function_table> table) {
  std::lock_guard guard(lock_);
  functions_ = std::move(table);
}

std::shared_ptr<const function_table> network::functions() const {
  std::lock_guard guard(lock_);
  return functions_;
}

peer* network::find(std::uint32_t number) noexcept {
  if (number == 0) return nullptr;
  std::atomic<chunk*>& place = chunks_[number / chunk_size];
  if (chunk* all = place.load(std::memory_order_acquire)) {
    if (peer* known = (*all)[number % chunk_size].load(std::memory_order_acquire)) return known;
  }
  const atom& name = names.name(number);
  // The node's own name gets a number for what earlier incarnations left behind: nobody is there.
  if (name == names.own() || !is_node_name(name.name())) return nullptr;
  std::lock_guard guard(lock_);
  if (place.load(std::memory_order_relaxed) == nullptr) {
    place.store(std::make_unique<chunk>().release(), std::memory_order_release);
  }
  std::atomic<peer*>& slot = (*place.load(std::memory_order_relaxed))[number % chunk_size];
  if (peer* known = slot.load(std::memory_order_relaxed)) return known;
  made_.push_back(std::make_unique<peer>(*this, number, name));
  slot.store(made_.back().get(), std::memory_order_release);
  return made_.back().get();
}

peer* network::find(const atom& node) noexcept {
  if (node == names.own() || !is_node_name(node.name())) return nullptr;
  const std::optional<std::uint32_t> number = names.connect(node.name());
  return number ? find(*number) : nullptr;
}

peer* network::known(std::string_view node) const noexcept {
  std::lock_guard guard(lock_);
  for (const std::unique_ptr<peer>& p : made_) {
    if (p->name().name() == node) return p.get();
  }
  return nullptr;
}

void network::ask_for_connection(peer& with) {
  const pid kernel = speaker();
  // The distribution is down; or it is an isolate that has ended.
  if (!kernel || with.isolate()) return with.attempt_failed(pid());
  envelope_ptr wanted = coppice::detail::make_message<connection_wanted>(with.number());
  wanted->form = coppice::detail::message_form::cast;
  coppice::detail::deliver(home, kernel, std::move(wanted));
}

std::vector<peer*> network::peers() const {
  std::lock_guard guard(lock_);
  std::vector<peer*> all;
  all.reserve(made_.size());
  for (const std::unique_ptr<peer>& p : made_) all.push_back(p.get());
  return all;
}

std::optional<pid> network::address(const atom& name, const atom& node) noexcept {
  if (node == names.own()) return home.whereis(name).value_or(pid());
  const peer* there = find(node);
  if (there == nullptr) return std::nullopt;
  std::lock_guard guard(lock_);
  const auto [at, fresh] = registered_numbers_.try_emplace(name, registered_names_.size());
  if (fresh) registered_names_.push_back(name);
  return pid{at->second, there->number(), 0};
}

atom network::name_behind(pid address) const {
  std::lock_guard guard(lock_);
  return address.id < registered_names_.size() ? registered_names_[address.id] : atom();
}

void network::deliver(pid to, envelope_ptr message) noexcept {
  if (peer* there = find(to.node)) return there->deliver(to, std::move(message));
  coppice::detail::envelope* stray = message.release();
  stray->ops->reject(stray, names.name(to.node) == names.own() ? exit_reason::noproc()
                                                               : exit_reason::noconnection());
}

void network::deliver_to_alias(const reference& alias, envelope_ptr message) noexcept {
  if (peer* there = find(alias.node)) there->deliver_to_alias(alias, std::move(message));
}

void network::abandon(pid to, std::uint64_t tag) noexcept {
  if (peer* there = find(to.node)) there->abandon(tag);
}

void network::set_group_leader(pid leader, pid process) noexcept {
  if (peer* there = find(process.node)) there->set_group_leader(leader, process);
}

} // namespace coppice::dist::detail
