#include "servers/messaging/shell/metrics.hpp"

#include "coppice/runtime/node.hpp"
#include "servers/messaging/shell/admin_api.hpp"
#include "servers/xmpp/stanza.hpp"

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

constexpr std::size_t all_of_them = std::numeric_limits<std::size_t>::max();

/// A number, and what it is of: `{"transport", "tcp"}`.
struct sample {
  std::vector<ClientMetric::Label> labels;
  std::uint64_t value;
};

MetricFamily family(std::string name, std::string help, MetricType type, const std::vector<sample>& samples) {
  MetricFamily made{std::move(name), std::move(help), type, {}};
  for (const sample& one : samples) {
    ClientMetric metric;
    metric.label = one.labels;
    const auto value = static_cast<double>(one.value);
    if (type == MetricType::Counter) {
      metric.counter.value = value;
    } else {
      metric.gauge.value = value;
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

std::vector<sample> by_transport(const std::array<counter, 2>& numbers) {
  return {{{{"transport", "tcp"}}, numbers[0].value()}, {{{"transport", "websocket"}}, numbers[1].value()}};
}

std::vector<MetricFamily> measured(const host& h) {
  const counts& c = h.counted();
  const auto received = [&c](xmpp::stanza_kind k) {
    return c.received.at(static_cast<std::size_t>(k)).value();
  };
  return {
      gauge("process_resident_memory_bytes", "Memory of the program", {{{}, resident_bytes()}}),
      gauge("coppice_processes", "Processes of the node", {{{}, processes()}}),
      gauge("coppice_messaging_streams", "Connections of clients", by_transport(c.streams)),
      gauge("coppice_messaging_users", "Users with a session", {{{}, h.user_names("", all_of_them).size()}}),
      gauge("coppice_messaging_rooms", "Rooms with somebody in them", {{{}, h.room_names().size()}}),
      total("streams_opened", "Connections that clients have made", by_transport(c.opened)),
      total("sign_ins", "Attempts to sign in; throttled: whoever had failed too often",
            {{{{"result", "ok"}}, c.sign_ins.value()},
             {{{"result", "failed"}}, c.failures.value()},
             {{{"result", "throttled"}}, c.throttled.value()}}),
      total("resumptions", "Sessions that went on after a lost connection (XEP-0198)",
            {{{}, c.resumptions.value()}}),
      total("stanzas_received", "Stanzas of clients that are signed in",
            {{{{"kind", "message"}}, received(xmpp::stanza_kind::message)},
             {{{"kind", "presence"}}, received(xmpp::stanza_kind::presence)},
             {{{"kind", "iq"}}, received(xmpp::stanza_kind::iq)},
             {{{"kind", "other"}}, received(xmpp::stanza_kind::none)}}),
      total("stanzas_sent", "Stanzas to clients", {{{}, c.sent.value()}}),
  };
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
