// Clients that lose no message, whatever becomes of the server: they resume (XEP-0198), or send again what
// was not acknowledged, with the same origin-id (XEP-0359). In the end they look into their archives.
//
//   xmpp_crash_load 127.0.0.1:5223 CLIENTS
//
// Users are `u0`, `u1`... of `localhost`, each with its name as password; u0 writes to u1, and u1 to u0, and
// so on. A line is printed for every 2,000 acknowledgements. On a line of input they send no more; the last
// line printed says what was acknowledged, lost and doubled.
#include "bench/xmpp/client.hpp"
#include "coppice/coppice.hpp"
#include "coppice/net/asio_poller.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/stream_management.hpp"

#include <atomic>
#include <cstdio>
#include <deque>
#include <fmt/format.h>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace coppice::bench {
namespace {

/// What all clients share.
struct figures {
  std::atomic<bool> over{false}; ///< nothing new is sent
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<std::uint64_t> resumed{0};
  std::atomic<std::uint64_t> begun_anew{0};
  std::atomic<std::uint64_t> lost{0};    ///< acknowledged, and not in an archive
  std::atomic<std::uint64_t> doubled{0}; ///< in an archive more than once
  std::atomic<unsigned> all_sent{0};     ///< clients whose messages are all acknowledged
  std::atomic<unsigned> finished{0};
  std::vector<std::atomic<std::uint64_t>> last; ///< of each client: the number of its last message
};

struct target {
  net::endpoint at;
  net::tls_client tls;
  std::shared_ptr<figures> all = std::make_shared<figures>();
};

} // namespace
} // namespace coppice::bench

/// What is shared are atomics.
template <>
struct coppice::enable_sendable<coppice::bench::target> : std::true_type {};

namespace coppice::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t window = 10;
constexpr std::uint64_t a_line = 2'000;
constexpr duration between_attempts = 100ms;

std::string user(unsigned n) { return fmt::format("u{}", n); }

/// One user's client.
class tireless {
public:
  tireless(target to, unsigned n) : to_(std::move(to)), n_(n), client_(to_.at, "localhost", to_.tls) {}

  task<> run() {
    while (!done()) {
      bool there = co_await come_in();
      if (!there) {
        co_await idle_for(between_attempts);
        continue;
      }
      co_await talk();
    }
    to_.all->last[n_] = number_;
    ++to_.all->all_sent;
    while (to_.all->all_sent < to_.all->last.size()) co_await idle_for(between_attempts);
    co_await check_archive();
    client_.drop();
    ++to_.all->finished;
  }

private:
  [[nodiscard]] bool done() const { return to_.all->over && open_.empty() && number_ > 0; }

  [[nodiscard]] std::string message(std::uint64_t number) const {
    return fmt::format("<message type='chat' to='{0}@localhost' id='{1}-{2}'><body>{1}-{2}</body>"
                       "<origin-id xmlns='urn:xmpp:sid:0' id='{1}-{2}'/></message>",
                       user(n_ ^ 1U), user(n_), number);
  }

  task<bool> come_in() {
    bool well = co_await client_.sign_in_again(user(n_), user(n_), "c", previous_, received_);
    if (!well) co_return false;
    std::string text;
    if (client_.resumed()) {
      ++to_.all->resumed;
      acknowledge(client_.handled());
    } else {
      ++to_.all->begun_anew;
      text = "<enable xmlns='urn:xmpp:sm:3' resume='true'/><presence/>";
      sent_before_ = 1;
      received_ = 0;
      handled_ = 0;
    }
    for (const std::uint64_t number : open_) text += message(number);
    text += "<r xmlns='urn:xmpp:sm:3'/>";
    bool sent = co_await client_.send(std::move(text));
    co_return sent;
  }

  /// The server has handled so many stanzas of this session.
  void acknowledge(std::uint32_t h) {
    for (; handled_ < h; ++handled_) {
      if (handled_ < sent_before_) continue; // the presence
      if (open_.empty()) continue;
      open_.pop_front();
      if (++to_.all->acknowledged % a_line == 0) {
        std::puts("more");
        std::fflush(stdout);
      }
    }
  }

  task<> talk() {
    while (!done()) {
      std::string text;
      while (!to_.all->over && open_.size() < window) {
        open_.push_back(++number_);
        text += message(number_);
      }
      if (!text.empty()) text += "<r xmlns='urn:xmpp:sm:3'/>";
      if (!text.empty()) {
        bool sent = co_await client_.send(std::move(text));
        if (!sent) co_return;
      }
      std::optional<xml::element> e = co_await client_.next(200ms);
      if (!e && client_.is_over()) co_return;
      if (!e) {
        bool asked = co_await client_.send("<r xmlns='urn:xmpp:sm:3'/>");
        if (!asked) co_return;
        continue;
      }
      co_await take(std::move(*e));
    }
  }

  task<> take(xml::element e) {
    if (e.is(xmpp::ns::stream_management, "enabled")) {
      previous_ = e.get("id");
    } else if (const auto h = xmpp::parse_ack(e)) {
      acknowledge(*h);
    } else if (e.is(xmpp::ns::stream_management, "r")) {
      std::string answer = xmpp::make_ack(received_).to_string();
      bool sent = co_await client_.send(std::move(answer));
      static_cast<void>(sent); // seen by whoever reads next
    } else {
      ++received_;
    }
  }

  /// Each message that was acknowledged stands once in the own archive; each that came, once too.
  task<> check_archive() {
    std::map<std::string, int> there;
    std::string after;
    for (;;) {
      const std::string set = after.empty() ? std::string() : fmt::format("<after>{}</after>", after);
      bool asked = co_await client_.send(
          fmt::format("<iq type='set' id='q{}'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/"
                      "protocol/rsm'><max>250</max>{}</set></query></iq>",
                      after, set));
      if (!asked) throw std::runtime_error("the archive cannot be asked: " + client_.why());
      std::optional<bool> complete = co_await read_page(&there, &after);
      if (!complete) throw std::runtime_error("the archive does not answer: " + client_.why());
      if (*complete) break;
    }
    for (const unsigned who : {n_, n_ ^ 1U}) { // what was written, and what came
      for (std::uint64_t number = 1; number <= to_.all->last[who]; ++number) {
        if (!there.contains(fmt::format("{}-{}", user(who), number))) ++to_.all->lost;
      }
    }
    for (const auto& [body, times] : there) {
      if (times > 1) ++to_.all->doubled;
    }
  }

  task<std::optional<bool>> read_page(std::map<std::string, int>* there, std::string* after) {
    for (;;) {
      std::optional<xml::element> e = co_await client_.next(30s);
      if (!e) co_return std::nullopt;
      if (const xml::element* result = e->child(xmpp::ns::archive, "result")) {
        const xml::element* forwarded = result->child(xmpp::ns::forward, "forwarded");
        const xml::element* message =
            forwarded == nullptr ? nullptr : forwarded->child(xmpp::ns::client, "message");
        if (message != nullptr) ++(*there)[message->text_of("body").value_or("")];
        *after = result->get("id");
      } else if (const xml::element* fin = e->child(xmpp::ns::archive, "fin")) {
        co_return fin->get("complete") == "true";
      } else if (e->name() == "iq") {
        throw std::runtime_error("the archive refuses: " + e->to_string());
      }
    }
  }

  target to_;
  unsigned n_;
  xmpp_client client_;
  std::string previous_; ///< of the session, for `<resume/>`
  std::uint64_t number_ = 0;
  std::deque<std::uint64_t> open_; ///< sent, not acknowledged
  std::uint32_t sent_before_ = 0;  ///< stanzas of this session before the first message
  std::uint32_t handled_ = 0;      ///< stanzas of this session that were acknowledged
  std::uint32_t received_ = 0;     ///< stanzas of the server in this session
};

process client(self me, target to, unsigned n) {
  tireless one(std::move(to), n);
  co_await one.run();
  static_cast<void>(me);
}

task<> run_all(self, target to, unsigned clients) {
  for (unsigned n = 0; n < clients; ++n) spawn(&client, to, n);
  while (to.all->finished < clients) co_await idle_for(20ms);
}

int run(const std::vector<std::string>& arguments) {
  auto at = net::endpoint::parse(arguments.at(0));
  if (!at) throw std::runtime_error(at.error());
  auto tls = net::tls_client::make({.verify = false});
  if (!tls) throw std::runtime_error(tls.error());
  const target to{*at, *tls};
  const auto clients = static_cast<unsigned>(std::stoul(arguments.at(1)));
  to.all->last = std::vector<std::atomic<std::uint64_t>>(clients);
  const figures& all = *to.all;
  std::jthread reader([shared = to.all] {
    std::string line;
    std::getline(std::cin, line);
    shared->over = true;
  });
  node_options options;
  options.make_poller = net::make_poller();
  node home(std::move(options));
  home.run(&run_all, to, clients);
  std::printf("acknowledged %llu resumed %llu anew %llu lost %llu doubled %llu\n",
              static_cast<unsigned long long>(all.acknowledged), static_cast<unsigned long long>(all.resumed),
              static_cast<unsigned long long>(all.begun_anew), static_cast<unsigned long long>(all.lost),
              static_cast<unsigned long long>(all.doubled));
  return all.lost == 0 && all.doubled == 0 ? 0 : 1;
}

} // namespace
} // namespace coppice::bench

int main(int argc, char** argv) {
  try {
    return coppice::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "xmpp_crash_load: %s\n", e.what());
    return 2;
  }
}
