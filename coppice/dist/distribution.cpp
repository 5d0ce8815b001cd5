#include "coppice/dist/distribution.hpp"

#include "coppice/dist/detail/global_name_server.hpp"
#include "coppice/dist/detail/net_kernel.hpp"
#include "coppice/dist/erlang_functions.hpp"
#include "coppice/dist/observer_functions.hpp"
#include "coppice/dist/remote_shell.hpp"

#include <fmt/core.h>
#include <random>
#include <utility>

namespace coppice::dist {

using namespace literals;
using detail::network;
using detail::peer;

namespace {

std::uint32_t new_creation() {
  std::random_device device;
  return static_cast<std::uint32_t>(device()) | 4U;
}

std::optional<std::string> wrong_with(const options& how) {
  if (!is_node_name(how.name)) {
    return fmt::format("the node's name '{}' is not like 'name@host' (of ASCII, 255 bytes at most)",
                       how.name);
  }
  if (how.cookie.empty() || how.cookie.size() > 255) return "the cookie must have 1 to 255 bytes";
  constexpr std::size_t long_enough = 20;
  if (!how.listen.is_loopback() && !how.tls && how.cookie.size() < long_enough) {
    return fmt::format("to listen at {} without TLS, the cookie must have {} bytes at least: it is all that "
                       "keeps others out",
                       how.listen.to_string(), long_enough);
  }
  if (how.net_ticktime < std::chrono::seconds(1)) return "net_ticktime must be a second at least";
  return std::nullopt;
}

std::expected<network*, std::string> take_network(const options& how) {
  network& net = detail::network_for(this_node(), atom(how.name), new_creation());
  if (net.names.own().name() != how.name) {
    return std::unexpected(fmt::format("this node is {} for as long as it runs; it cannot become {}",
                                       net.names.own().name(), how.name));
  }
  net.set_limits({how.busy_limit, how.most_queued});
  net.set_functions(how.functions != nullptr ? how.functions : safe_functions(how.net_ticktime));
  return &net;
}

std::vector<atom> nodes_of_kind(std::string_view kind) {
  if (kind == "visible") return nodes(node_kind::visible);
  if (kind == "hidden") return nodes(node_kind::hidden);
  return nodes(node_kind::connected);
}

network* this_network() { return detail::network_of(this_node()); }

} // namespace

std::shared_ptr<function_table> safe_functions(duration net_ticktime) {
  auto table = std::make_shared<function_table>();
  add_erlang_functions(*table, {&node_name, &nodes_of_kind, net_ticktime, &ping});
  add_observer_functions(*table);
  add_remote_shell(*table);
  detail::add_global_functions(*table);
  return table;
}

task<std::expected<pid, exit_reason>> start(options how) {
  if (auto wrong = wrong_with(how)) co_return std::unexpected(exit_reason(term(*wrong)));
  auto net = take_network(how);
  if (!net) co_return std::unexpected(exit_reason(term(net.error())));
  auto what = std::make_shared<detail::setting>(std::move(how), **net);
  auto kernel = co_await start_link<detail::net_kernel>(local("net_kernel"), what);
  if (!kernel) co_return std::unexpected(std::move(kernel.error()));
  co_return *kernel->resolve();
}

child_description child(options how) {
  return child_function("net_sup", [](const options& o) { return start(o); }, std::move(how));
}

atom node_name() {
  const network* net = this_network();
  return net == nullptr ? "nonode@nohost"_atom : net->names.own();
}

atom node_of(pid process) {
  const network* net = this_network();
  return net == nullptr ? "nonode@nohost"_atom : net->names.name(process.node);
}

bool is_alive() {
  const network* net = this_network();
  return net != nullptr && net->speaker();
}

std::vector<atom> nodes(node_kind which) {
  std::vector<atom> all;
  const network* net = this_network();
  if (net == nullptr) return all;
  for (const peer* p : net->peers()) {
    const std::optional<detail::connected_node> c = p->connection();
    if (!c || p->isolate()) continue;
    const bool hidden = !c->common.has(capability::published);
    if (which == node_kind::connected || hidden == (which == node_kind::hidden)) all.push_back(p->name());
  }
  return all;
}

namespace {

/// Awaits what becomes of the attempt to connect.
class connect_awaiter {
public:
  explicit connect_awaiter(peer& with)
      : process_(coppice::detail::running_process()), with_(with),
        tag_(coppice::detail::next_unique(*process_.home)), wait_(process_, pid(), tag_, nullptr, infinity) {}
  [[nodiscard]] bool await_ready() {
    coppice::detail::expect_completion(process_, tag_);
    with_.connect(from(*process_.home, process_.self(), tag_));
    return wait_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  bool await_resume() {
    auto up = coppice::detail::read_reply<bool>(wait_.finish());
    return up.value_or(false);
  }

private:
  coppice::detail::process_block& process_;
  peer& with_;
  std::uint64_t tag_;
  coppice::detail::call_wait wait_;
};

} // namespace

task<bool> connect_node(atom node) {
  network* net = this_network();
  if (net == nullptr) co_return false;
  if (node == net->names.own()) co_return true;
  peer* with = net->find(node);
  if (with == nullptr) co_return false;
  co_return co_await connect_awaiter(*with);
}

bool disconnect_node(const atom& node) {
  network* net = this_network();
  peer* with = net == nullptr ? nullptr : net->find(node);
  return with != nullptr && with->disconnect("disconnect"_atom);
}

task<bool> ping(atom node) {
  const bool up = co_await connect_node(node);
  if (!up) co_return false;
  if (node == node_name()) co_return true;
  server_name kernel(remote_name{"net_kernel"_atom, node});
  term question = term::tuple("is_auth"_atom, node_name());
  auto answer = co_await try_call_any<term>(std::move(kernel), std::move(question));
  co_return answer && answer->is_atom("yes"_atom);
}

task<> monitor_nodes(bool on) {
  server_name kernel("net_kernel"_atom);
  detail::watch_nodes wish{self_pid(), on};
  co_await call_any<bool>(std::move(kernel), wish);
}

void monitor_node(const atom& node, bool on) {
  cast_any(server_name("net_kernel"_atom), detail::watch_node{self_pid(), node, on});
}

} // namespace coppice::dist
