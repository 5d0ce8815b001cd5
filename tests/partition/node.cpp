// partition_node NAME COOKIE ADDRESS:PORT NET_TICKTIME [NODE ADDRESS:PORT]: a node that does what the lines
// of its standard input say, and answers each with a line, until they end. The times are in seconds; the last
// two say where that node is found, others at the same port of the address in their names. Erlang's nodes
// obey the same lines (partition_node.erl).
#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/partition/hub.hpp"
#include "tests/partition/tracker.hpp"
#include "tests/partition/traffic.hpp"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <future>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace coppice::partition {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using line_words = std::vector<std::string>;

/// Asks a process of this node; what it answers is the next message of the caller.
task<term> ask(self me, atom whom, term request) {
  std::vector<term> parts(request.elements().begin(), request.elements().end());
  parts.emplace_back(me.id());
  send(whom, term::tuple_from(std::move(parts)));
  term answer = co_await me.receive<term>();
  co_return answer;
}

task<term> ask_hub(server_name hub, term request) {
  std::expected<term, exit_reason> reply = co_await try_call_any<term>(hub, request, infinity);
  if (!reply) throw std::runtime_error(reply.error().to_string());
  co_return *reply;
}

/// "first 1 second 2" for {1, 2}.
std::string numbers(const line_words& names, const term& tuple, std::size_t from = 0) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : " ", names[i], *tuple.elements()[from + i].as_int64());
  }
  return text;
}

std::string told(const term& summary) {
  return numbers({"monitors", "links", "noconnection", "planned", "other", "doubled", "strange"}, summary);
}

/// What a node has that should not grow.
std::string left() {
  const dist::detail::network* net = dist::detail::network_of(this_node());
  std::size_t ties = 0;
  std::size_t connections = 0;
  for (const dist::detail::peer* p : net->peers()) {
    const dist::detail::peer::tie_counts t = p->ties();
    ties += t.asked + t.links + t.watches + t.replies;
    if (p->is_up()) ++connections;
  }
  using files = std::filesystem::directory_iterator;
  return fmt::format("processes {} ties {} connections {} descriptors {}", this_node().statistics().processes,
                     ties, connections, std::distance(files("/proc/self/fd"), files()));
}

// --- what the lines say ---

task<std::string> connect(self, line_words w) {
  const bool up = co_await dist::connect_node(atom(w[1]));
  co_return up ? "true" : "false";
}

/// tie NODE N
task<std::string> tie(self me, line_words w) {
  const atom node(w[1]);
  const remote_name hub_there{"hub"_atom, node};
  const term made = co_await ask_hub(hub_there, term::tuple("targets"_atom, std::stoi(w[2])));
  std::vector<pid> targets;
  for (const term& t : made.items()) targets.push_back(*t.as_pid());
  spawn(&tracker, node, std::move(targets), me.id());
  co_await me.receive<term>();
  co_return "tied";
}

/// told N: once there are so many, or after a while.
task<std::string> told_of(self me, line_words w) {
  send("tracker"_atom, term::tuple("told"_atom, std::stoi(w[1]), me.id()));
  std::optional<term> summary = co_await me.receive<term>(30s);
  if (summary) co_return told(*summary);
  const term so_far = co_await ask(me, "tracker"_atom, term::tuple("told"_atom, 0));
  co_return told(so_far);
}

task<std::string> untie(self me, line_words) {
  const term summary = co_await ask(me, "tracker"_atom, term::tuple("untie"_atom));
  co_return told(summary);
}

/// broken N
task<std::string> broken(self, line_words w) {
  const term said = co_await ask_hub("hub"_atom, term::tuple("broken"_atom, std::stoi(w[1])));
  co_return numbers({"broken", "doubled"}, said);
}

/// die N
task<std::string> die(self, line_words w) {
  co_await ask_hub("hub"_atom, term::tuple("die"_atom, std::stoi(w[1])));
  co_return "ok";
}

task<std::string> done(self, line_words) {
  co_await ask_hub("hub"_atom, term("done"_atom));
  co_return "ok";
}

/// flow NODE SENDERS MESSAGES BYTES
task<std::string> flow(self me, line_words w) {
  const int senders = std::stoi(w[2]);
  for (int n = 0; n < senders; ++n) {
    spawn(&sender, atom(w[1]), std::stoll(w[3]), std::stoll(w[4]), me.id());
  }
  std::int64_t sums[4] = {0, 0, 0, 0};
  for (int n = 0; n < senders; ++n) {
    const term said = co_await me.receive<term>();
    for (std::size_t k = 0; k < 4; ++k) sums[k] += *said.elements()[k + 1].as_int64();
  }
  co_return numbers({"sent", "seen", "out_of_order", "wrong"},
                    term::tuple(sums[0], sums[1], sums[2], sums[3]));
}

/// stream NODE
task<std::string> stream(self me, line_words w) {
  spawn(&streamer, atom(w[1]), me.id());
  const term started = co_await me.receive<term>();
  co_return "ok";
}

task<std::string> end_stream(self me, line_words) {
  const term said = co_await ask(me, "streamer"_atom, term::tuple("stop"_atom));
  co_return numbers({"sent", "seen", "out_of_order", "wrong"}, said, 1);
}

/// calls NODE N
task<std::string> calls(self, line_words w) {
  spawn(&callers, atom(w[1]), std::stoll(w[2]));
  co_return "ok";
}

task<std::string> end_calls(self me, line_words) {
  const term said = co_await ask(me, "callers"_atom, term::tuple("stop"_atom));
  co_return numbers({"answered", "failed", "wrong"}, said);
}

/// nodes NODE UPS DOWNS
task<std::string> node_news(self me, line_words w) {
  const term said =
      co_await ask(me, "gazer"_atom, term::tuple("nodes"_atom, atom(w[1]), std::stoi(w[2]), std::stoi(w[3])));
  co_return numbers({"ups", "downs", "out_of_turn"}, said);
}

/// left: once it has not changed for a while. left WHAT...: once it is that, or after a while.
task<std::string> left_over(self, line_words w) {
  std::string wanted;
  for (std::size_t i = 1; i < w.size(); ++i) wanted += (i == 1 ? "" : " ") + w[i];
  const duration pause = wanted.empty() ? 200ms : 20ms;
  const time_point enough = now() + 15s;
  std::string was;
  std::string is = left();
  while (is != (wanted.empty() ? was : wanted) && now() < enough) {
    was = is;
    co_await idle_for(pause);
    is = left();
  }
  co_return is;
}

using deed = task<std::string> (*)(self, line_words);
const std::map<std::string_view, deed> deeds{
    {"connect", &connect}, {"tie", &tie},
    {"told", &told_of},    {"untie", &untie},
    {"broken", &broken},   {"die", &die},
    {"done", &done},       {"flow", &flow},
    {"stream", &stream},   {"end_stream", &end_stream},
    {"calls", &calls},     {"end_calls", &end_calls},
    {"nodes", &node_news}, {"left", &left_over},
};

process keep(self, std::unique_ptr<std::promise<std::string>> started, dist::options how) {
  auto net = co_await dist::start(std::move(how));
  auto server = co_await coppice::start<hub>(local("hub"));
  spawn(&gazer);
  started->set_value(net ? "up" : net.error().to_string());
  co_await idle_for(infinity);
}

dist::options options_of(const line_words& arguments) {
  dist::options how;
  how.name = arguments.at(0);
  how.cookie = arguments.at(1);
  how.listen = net::endpoint::parse(arguments.at(2)).value();
  how.epmd = dist::epmd_use::none;
  how.net_ticktime = std::chrono::seconds(std::stoi(arguments.at(3)));
  how.setup_time = 2s;
  if (arguments.size() > 5) how.known[arguments[4]] = net::endpoint::parse(arguments[5]).value();
  return how;
}

std::string obey(node& home, const std::string& line) {
  std::istringstream in(line);
  line_words words{std::istream_iterator<std::string>(in), {}};
  const auto found = words.empty() ? deeds.end() : deeds.find(words[0]);
  if (found == deeds.end()) return "what is '" + line + "'?";
  try {
    return home.run(found->second, std::move(words));
  } catch (const std::exception& e) {
    return e.what();
  }
}

int main(const line_words& arguments) {
  node_options settings;
  settings.make_poller = net::make_poller();
  settings.report_from = severity::error;
  node home(std::move(settings));
  auto started = std::make_unique<std::promise<std::string>>();
  std::future<std::string> outcome = started->get_future();
  home.spawn(&keep, std::move(started), options_of(arguments));
  std::cout << outcome.get() << '\n' << std::flush;
  for (std::string line; std::getline(std::cin, line);) std::cout << obey(home, line) << '\n' << std::flush;
  return 0;
}

} // namespace
} // namespace coppice::partition

int main(int argc, char** argv) {
  try {
    return coppice::partition::main({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cout << e.what() << '\n' << std::flush;
    return 1;
  }
}
