// The isolate's side: the program, started once more.
#include "coppice/dist/isolate.hpp"

#include "coppice/dist/detail/carrier.hpp"
#include "coppice/dist/isolate_process.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/term/external.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <memory>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace coppice::dist {

using namespace literals;

namespace detail {

// --- the classes ---

namespace {

std::map<std::string, std::optional<isolated_start>>& isolated_classes() {
  static std::map<std::string, std::optional<isolated_start>> all; // filled before main, then only read
  return all;
}

} // namespace

const std::string& register_isolated(std::string name, isolated_start start) {
  const auto [at, fresh] = isolated_classes().try_emplace(std::move(name), start);
  if (!fresh && at->second != start) at->second.reset();
  return at->first;
}

std::expected<isolated_start, std::string> find_isolated(const std::string& name) {
  const auto found = isolated_classes().find(name);
  if (found == isolated_classes().end()) return std::unexpected("the program has no class " + name);
  if (!found->second) {
    return std::unexpected("several classes of the program are called " + name +
                           ": an isolate's class must have a name of its own");
  }
  return *found->second;
}

exit_reason wrong_isolate_arguments(const std::string& expected, const term& got) {
  return exit_reason(term::tuple("isolate"_atom, "bad_arguments"_atom, term(expected), got));
}

// --- the OS process ---

namespace {

/// What the node of an isolate knows of its host.
struct isolate_facts {
  atom host = "nonode@nohost"_atom;
};

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "isolate: %s\n", why.c_str());
  ::_exit(2);
}

std::string read_exactly(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const ssize_t n = ::read(isolate_descriptor, bytes.data() + have, count - have);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      give_up("an isolate is started by a supervisor of the same program (coppice::dist::isolate), "
              "not by hand");
    }
    have += static_cast<std::size_t>(n);
  }
  return bytes;
}

template <class T>
T read_term(std::string_view bytes, node_names& names) {
  auto told = binary_to_term(bytes, names);
  if (!told) give_up("what it is told at its start is no term");
  auto value = from_term<T>(*told);
  if (!value) give_up("what it is told at its start is not what it expects");
  return std::move(*value);
}

isolate_order read_order() {
  std::uint32_t length = 0;
  for (const char c : read_exactly(4)) length = length << 8U | static_cast<std::uint8_t>(c);
  if (length > most_of_an_order) give_up("what it is told at its start is too long");
  node_names names("nonode@nohost"_atom, 0);
  return read_term<isolate_order>(read_exactly(length), names);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif
#else
constexpr bool sanitized = false;
#endif

/// `beyond`: how much later the system does more than to warn.
void limit(decltype(RLIMIT_DATA) what, const char* name, rlim_t most, rlim_t beyond = 0) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) give_up(std::string("the system does not tell ") + name);
  now.rlim_cur = std::min(most, now.rlim_max);
  now.rlim_max = std::min(most + beyond, now.rlim_max);
  if (::setrlimit(what, &now) != 0) give_up(std::string("the system refuses the limit ") + name);
}

/// A sanitizer maps terabytes for itself: a limit of memory would mean something else there.
void take_limits(const isolate_order& order) {
  limit(RLIMIT_CORE, "RLIMIT_CORE", 0);
  if (order.cpu_seconds != 0) limit(RLIMIT_CPU, "RLIMIT_CPU", order.cpu_seconds, 1); // SIGXCPU, not SIGKILL
  if (order.memory != 0 && !sanitized) limit(RLIMIT_DATA, "RLIMIT_DATA", order.memory);
}

/// Starts the child, and passes on to it what the proxy asks for: to the child it is its supervisor.
process keep_child(self me, isolate_job job) {
  set_label("isolate's keeper");
  trap_exit(true);
  link(job.proxy);
  const std::expected<isolated_start, std::string> how = find_isolated(job.class_name);
  if (!how) {
    send(job.proxy, isolate_failed{term::tuple("isolate"_atom, term(how.error()))});
    co_return;
  }
  auto started = co_await (*how)(job.arguments);
  if (!started) {
    send(job.proxy, isolate_failed{started.error().value()});
    co_return;
  }
  const pid child = *started;
  send(job.proxy, isolate_up{me.id(), child});
  for (;;) {
    coppice::exit_signal news = co_await me.receive<coppice::exit_signal>();
    if (news.from == child) coppice::exit(exit_reason(news.reason.value())); // the child has reported it
    if (news.reason == exit_reason::noconnection()) continue;                // the OS process is about to end
    if (news.reason.is_normal()) {
      server_name server(child);
      auto stopped = co_await stop(std::move(server));
      (void)stopped;
    } else {
      coppice::exit(child, std::move(news.reason));
    }
  }
}

/// Carries signals to the host and from it. Whatever the child sends before the connection is up waits for
/// it.
process carry_host(self me, net::stream connection, isolate_order order) {
  network& all = network_for(this_node(), atom(order.name), order.creation);
  const atom host(order.host);
  peer* with = all.find(host);
  with->become_isolate(all.names);
  with->expect_connection(me.id());
  this_node().part<isolate_facts>()->host = host;
  spawn(&keep_child, read_term<isolate_job>(order.job, all.names));
  const agreed what{{order.host, order.host_creation, offered}, expanded(offered).common(offered)};
  co_await carry(&all, with, &connection, what, frame_limits());
}

/// Until the host closes its end, or is gone: seen by a thread of its own, so that nothing the child does can
/// keep it.
[[noreturn]] void live_as_long_as_the_host() {
  pollfd end{.fd = isolate_descriptor, .events = POLLRDHUP, .revents = 0};
  while ((end.revents & (POLLRDHUP | POLLHUP | POLLERR)) == 0) ::poll(&end, 1, -1);
  ::alarm(2); // should somebody hold a stream for ever
  std::fflush(nullptr);
  ::_exit(0);
}

[[noreturn]] void run_isolate() {
  ::fcntl(isolate_descriptor, F_SETFD, FD_CLOEXEC);
  // Whoever ends the program as a whole ends its isolates in order, by way of their supervisors.
  for (const int ending : {SIGINT, SIGTERM, SIGHUP}) std::signal(ending, SIG_IGN);
  isolate_order order = read_order();
  take_limits(order);
  set_blocking(isolate_descriptor, false);
  node_options options;
  options.cores = std::max(1U, order.cores);
  options.make_poller = net::make_poller();
  coppice::node home(std::move(options));
  const int end = ::fcntl(isolate_descriptor, F_DUPFD_CLOEXEC, isolate_descriptor);
  if (end < 0) give_up("it has no descriptor to spare");
  home.spawn(&carry_host, net::stream(net::tcp_socket(end)), std::move(order));
  live_as_long_as_the_host();
}

} // namespace
} // namespace detail

void isolate_main(int argc, char** argv) {
  if (argc == 2 && argv[1] == detail::isolate_argument) detail::run_isolate();
}

atom host_node() { return this_node().part<detail::isolate_facts>()->host; }

} // namespace coppice::dist
