#include "servers/messaging/shell/metrics.hpp"

#include "coppice/runtime/node.hpp"
#include "servers/messaging/shell/admin_api.hpp"
#include "servers/xmpp/stanza.hpp"

#include <array>
#include <chrono>
#include <fstream>
#include <limits>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coppice::messaging {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

/// Numbers below 2^53, which a double has exactly.
double as_value(std::uint64_t n) { return static_cast<double>(n); }

constexpr std::size_t all_of_them = std::numeric_limits<std::size_t>::max();

/// A number, and what it is of: `{"transport", "tcp"}`.
struct sample {
  std::vector<ClientMetric::Label> labels;
  double value;
};

MetricFamily family(std::string name, std::string help, MetricType type, const std::vector<sample>& samples) {
  MetricFamily made{std::move(name), std::move(help), type, {}};
  for (const sample& one : samples) {
    ClientMetric metric;
    metric.label = one.labels;
    if (type == MetricType::Counter) {
      metric.counter.value = one.value;
    } else {
      metric.gauge.value = one.value;
    }
    made.metric.push_back(std::move(metric));
  }
  return made;
}

MetricFamily total(std::string name, std::string help, const std::vector<sample>& samples) {
  return family("coppice_messaging_" + std::move(name) + "_total", std::move(help), MetricType::Counter,
                samples);
}

MetricFamily gauge(std::string name, std::string help, const std::vector<sample>& samples) {
  return family(std::move(name), std::move(help), MetricType::Gauge, samples);
}

/// Of the program; 0 if nobody says.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  statm >> size >> resident;
  return statm ? resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t processes() {
  constexpr std::uint32_t slots_at_once = 1U << 16U;
  std::uint64_t found = 0;
  std::optional<std::uint32_t> next = 0;
  while (next)
    next = this_node().glimpse(*next, slots_at_once, [&found](const process_glimpse&) { ++found; });
  return found;
}

std::vector<sample> single(std::uint64_t n) { return {{{}, as_value(n)}}; }
std::vector<sample> single(const counter& of) { return single(of.value()); }

/// One number for each value of a label.
template <std::size_t N>
std::vector<sample> by(const char* label, const std::array<std::pair<const char*, std::uint64_t>, N>& all) {
  std::vector<sample> samples;
  samples.reserve(N);
  for (const auto& [value, number] : all) samples.push_back({{{label, value}}, as_value(number)});
  return samples;
}

std::vector<sample> by_transport(const std::array<counter, 2>& numbers) {
  return by("transport",
            std::array{std::pair("tcp", numbers[0].value()), std::pair("websocket", numbers[1].value())});
}

void add_clients(std::vector<MetricFamily>& to, const host& h) {
  const counts& c = h.counted();
  const auto received = [&c](xmpp::stanza_kind k) {
    return c.received.at(static_cast<std::size_t>(k)).value();
  };
  to.push_back(gauge("coppice_messaging_streams", "Connections of clients", by_transport(c.streams)));
  to.push_back(
      gauge("coppice_messaging_users", "Users with a session", single(h.user_names("", all_of_them).size())));
  to.push_back(
      gauge("coppice_messaging_rooms", "Rooms with somebody in them", single(h.room_names().size())));
  to.push_back(total("streams_opened", "Connections that clients have made", by_transport(c.opened)));
  to.push_back(total("streams_refused", "Connections from addresses that had too many", single(c.refused)));
  to.push_back(
      total("stream_errors", "Streams that the server has ended with an error", single(c.stream_errors)));
  to.push_back(total(
      "sign_ins", "Attempts to sign in; throttled: whoever had failed too often",
      by("result", std::array{std::pair("ok", c.sign_ins.value()), std::pair("failed", c.failures.value()),
                              std::pair("throttled", c.throttled.value())})));
  to.push_back(
      total("registrations", "Accounts that their users have made (XEP-0077)", single(c.registrations)));
  to.push_back(total("resumptions", "Sessions that went on after a lost connection (XEP-0198)",
                     single(c.resumptions)));
  to.push_back(total("stanzas_received", "Stanzas of clients that are signed in",
                     by("kind", std::array{std::pair("message", received(xmpp::stanza_kind::message)),
                                           std::pair("presence", received(xmpp::stanza_kind::presence)),
                                           std::pair("iq", received(xmpp::stanza_kind::iq)),
                                           std::pair("other", received(xmpp::stanza_kind::none))})));
  to.push_back(total("stanzas_sent", "Stanzas to clients", single(c.sent)));
  to.push_back(total("received_bytes", "XML of clients", single(c.bytes_received)));
  to.push_back(total("sent_bytes", "XML to clients over TCP and WebSocket", single(c.bytes_sent)));
  to.push_back(total("pauses", "Times that a client had to wait because it sent too fast", single(c.shaped)));
  to.push_back(total("upload_bytes", "Bytes of files that users have sent", single(c.uploaded)));
}

void add_database(std::vector<MetricFamily>& to, const store::database_statistics& done) {
  const double seconds = std::chrono::duration<double>(done.committing).count();
  to.push_back(
      gauge("coppice_messaging_database_waiting", "Reads and writes that wait", single(done.waiting)));
  to.push_back(total("database_writes", "Writes that are done", single(done.writes)));
  to.push_back(total("database_reads", "Reads that are done", single(done.reads)));
  to.push_back(total("database_commits", "Commits, which writes share", single(done.commits)));
  to.push_back(total("database_commit_seconds", "Time that commits have taken", {{{}, seconds}}));
}

std::vector<MetricFamily> measured(const host& h) {
  std::vector<MetricFamily> all{
      gauge("process_resident_memory_bytes", "Memory of the program", single(resident_bytes())),
      gauge("coppice_processes", "Processes of the node", single(processes()))};
  add_clients(all, h);
  add_database(all, h.db().statistics());
  return all;
}

} // namespace

void mount_metrics(http::routes& routes, const host& h, std::string token) {
  routes.get("/metrics", [h, token = std::move(token)](http::request& r) {
    if (!r.peer().is_loopback() && !shows_token(r.head(), token)) return wants_token();
    http::response answer(http::status::ok, "text/plain; version=0.0.4; charset=utf-8",
                          prometheus::TextSerializer().Serialize(measured(h)));
    answer.header("Cache-Control", "no-store");
    return answer;
  });
}

} // namespace coppice::messaging
