#include "servers/messaging/shell/supervisors.hpp"

#include "coppice/http/child.hpp"
#include "servers/messaging/shell/keeper.hpp"
#include "servers/messaging/shell/messaging_server.hpp"
#include "servers/messaging/shell/presence_events.hpp"
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/room_service.hpp"
#include "servers/messaging/shell/tcp_stream.hpp"
#include "servers/messaging/shell/upload_sweeper.hpp"
#include "servers/messaging/shell/user.hpp"

namespace coppice::messaging {
namespace {

/// One patience for all: killing by hand must not use it up.
supervisor_flags patient(strategy how) {
  return {.strategy = how, .intensity = 100, .period = std::chrono::seconds(10)};
}

child_spec entrance(const host& h, const char* name, net::endpoint at, bool tls, const entrances& in) {
  net::listener_options options;
  options.endpoint = at;
  options.label = "stream";
  options.max_connections = in.max_connections;
  if (tls) options.tls = h.tls();
  const auto serve = [h](self me, net::stream s) { return serve_tcp(h, me, std::move(s)); };
  return http::child_listener(name, std::move(options), serve,
                              [name, opened = in.opened](const net::listener& l) {
                                if (opened) opened(name, l.local());
                              });
}

} // namespace

supervisor_flags messaging_sup::flags() const { return patient(strategy::one_for_one); }

std::vector<child_spec> messaging_sup::children() const {
  std::vector<child_spec> all{child<keeper>("keeper", local("keeper"), host_),
                              child<presence_events_sup>("presence_events_sup", local("presence_events_sup")),
                              child<user_sup>("user_sup", local("user_sup"), host_),
                              child<room_events_sup>("muc_events_sup", local("muc_events_sup")),
                              child<room_sup>("muc_sup", local("muc_sup"), host_),
                              child<room_service>("muc", local("muc"), host_),
                              child<messaging_server>("messaging_server", local("messaging_server"), host_)};
  if (host_.how().uploads.max_file_size > 0) {
    all.push_back(child<upload_sweeper>("upload_sweeper", local("upload_sweeper"), host_));
  }
  if (in_.starttls) all.push_back(entrance(host_, "starttls", *in_.starttls, false, in_));
  if (in_.tls) all.push_back(entrance(host_, "tls", *in_.tls, true, in_));
  return all;
}

supervisor_flags user_sup::flags() const { return patient(strategy::simple_one_for_one); }

std::vector<child_spec> user_sup::children() const {
  return {child_template<user, std::string>("user", host_).transient()};
}

supervisor_flags room_sup::flags() const { return patient(strategy::simple_one_for_one); }

std::vector<child_spec> room_sup::children() const {
  return {child_template<room, std::string>("room", host_).transient()};
}

} // namespace coppice::messaging
