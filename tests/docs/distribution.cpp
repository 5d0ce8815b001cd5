// docs/distribution.md
#include "coppice/dist/distribution.hpp"

#include "coppice/coppice.hpp"
#include "coppice/dist/erpc.hpp"
#include "coppice/dist/global.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/pg.hpp"

#include <cstdint>
#include <cstdlib>
#include <fmt/core.h>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace coppice;
using namespace coppice::literals;
using namespace std::chrono_literals;

struct deposit {
  std::string owner;
  std::int64_t cents;
};
struct balance {
  std::string owner;
};
struct account {
  std::string owner;
  std::int64_t cents;
};
struct in_euros {
  std::string owner;
  atom node; // whose rates
};
struct convert {
  std::int64_t cents;
  atom to;
};
struct converted {
  std::int64_t cents;
  atom currency;
};

class bank : public gen_server {
public:
  using protocol = coppice::protocol<casts<deposit>, calls<balance, account>, calls<in_euros, converted>>;

  void handle_cast(const deposit& d) { held_[d.owner] += d.cents; }
  account handle_call(const balance& b) { return {b.owner, held_[b.owner]}; }
  task<converted> handle_call(in_euros q) {
    server_name rates(remote_name{"rates"_atom, q.node}); // a GenServer of Elixir's
    const convert question{held_[q.owner], "eur"_atom};
    converted answer = co_await call_any<converted>(rates, question);
    co_return answer;
  }

private:
  std::map<std::string, std::int64_t> held_;
};

class bank_sup : public supervisor {
public:
  explicit bank_sup(dist::options how) : how_(std::move(how)) {}
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<bank>("bank", local("bank")), dist::child(how_)};
  }

private:
  dist::options how_;
};

task<int> serve(self, dist::options how) {
  trap_exit(true);
  auto sup = co_await start_link<bank_sup>(local("bank_sup"), how);
  if (!sup) {
    fmt::print(stderr, "bank: {}\n", sup.error().to_string());
    co_return 1;
  }
  co_await idle_for(infinity);
  co_return 0;
}

int main() {
  const char* cookie = std::getenv("BANK_COOKIE");
  dist::options how{.name = "cpp@127.0.0.1", .cookie = cookie == nullptr ? "" : cookie};
  node_options options;
  options.make_poller = net::make_poller();
  node n(options);
  return n.run(serve, how);
}

task<> begin(std::string secret) {
  dist::options how{.name = "cpp@127.0.0.1", .cookie = secret};
  auto net = co_await dist::start(how);
  if (!net) fmt::print(stderr, "{}\n", net.error().to_string());
}

dist::options fixed_ports(std::string secret) {
  dist::options how{.name = "cpp@10.0.0.7", .cookie = std::move(secret)};
  how.listen = net::endpoint::any(9100);
  how.epmd = dist::epmd_use::none;
  how.known = {{"erl@127.0.0.1", net::endpoint::loopback(9101)}};
  return how;
}

task<> ask(self me) {
  server_name rates(remote_name{"rates"_atom, "erl@127.0.0.1"_atom});
  const convert question{250, "eur"_atom};
  auto answer = co_await try_call_any<converted>(rates, question, 2s);
  if (!answer)
    fmt::print("{}\n", answer.error().to_string()); // noproc, {nodedown,'erl@127.0.0.1'}, timeout...
}

task<> watch(self me, pid worker) {
  co_await dist::monitor_nodes(true);
  reference ref = monitor(worker);
  for (;;) {
    std::variant<down, dist::nodedown> lost = co_await me.receive<down, dist::nodedown>();
    if (const auto* one = std::get_if<down>(&lost); one != nullptr && one->ref == ref) {
      fmt::print("{}\n", one->reason.to_string()); // its own reason, or noconnection
    }
    if (const auto* all = std::get_if<dist::nodedown>(&lost)) {
      fmt::print("{}: {}\n", all->node.name(), all->reason.name()); // after every `down` of that node
    }
  }
}

task<term> insist(remote_name server, term request) { // for requests that may be done twice
  for (;;) {
    std::expected<term, exit_reason> reply = co_await try_call_any<term>(server, request, 5s);
    if (reply) co_return *reply;
    co_await idle_for(500ms);
  }
}

dist::options with_functions(std::string secret) {
  auto table = dist::safe_functions();
  table->add("bank"_atom, "interest"_atom, 2, [](const dist::function_call& c) {
    const auto cents = from_term<std::int64_t>(c.arguments[0]);
    const auto percent = from_term<std::int64_t>(c.arguments[1]);
    if (!cents || !percent) dist::raise_error("badarg"_atom);
    return term(*cents * *percent / 100);
  });
  return {.name = "cpp@127.0.0.1", .cookie = std::move(secret), .functions = table};
}

task<> call_functions() {
  std::vector<term> list{to_term(std::vector<int>{3, 1, 2})};
  dist::erpc_result sorted = co_await dist::erpc("erl@127.0.0.1"_atom, "lists"_atom, "sort"_atom, list, 2s);
  if (sorted) fmt::print("{}\n", to_string(*sorted)); // [1,2,3]
}

task<> lead(self me) {
  co_await dist::global::sync();
  const bool mine = co_await dist::global::register_name("leader"_atom, me);
  if (!mine) dist::global::send("leader"_atom, "hello"_atom);
}

task<> groups(self me) {
  auto scope = co_await pg::start_link();
  co_await pg::join("tellers"_atom, me);
  for (pid teller : pg::get_members("tellers"_atom)) send(teller, "open"_atom);
}

process telemetry(self me) {
  set_async_dist(true); // never held up: what it sends to a slow node waits in memory
  co_await idle_for(infinity);
}

std::expected<dist::tls_sides, std::string> secured() {
  const net::tls_identity own{"cpp.pem", "cpp.key"};
  auto server = net::tls_server::make(
      {.identities = {own}, .clients = net::client_certificates::required, .client_ca_file = "ca.pem"});
  if (!server) return std::unexpected(server.error());
  auto client = net::tls_client::make({.ca_file = "ca.pem", .identity = own});
  if (!client) return std::unexpected(client.error());
  return dist::tls_sides{*server, *client};
}
