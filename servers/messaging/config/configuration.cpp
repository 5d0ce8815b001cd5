#include "servers/messaging/config/configuration.hpp"

#include <fmt/format.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kib = 1 << 10;
constexpr std::uint64_t mib = 1 << 20;

bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const std::string_view host = text.substr(scheme.size());
    return !host.empty() && host.find_first_of("/?#@ ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
  }
  return false;
}

void describe_traffic(config::keys& k, traffic_limits& limits) {
  k.size("bytes_per_second", limits.stream_rate, 0, 1024 * mib,
         "That are read of a client in the long run; 0: any number", config::change::live)
      .size("address_bytes_per_second", limits.address_rate, 0, 1024 * mib,
            "The same of all clients at one IPv4 address or IPv6 network (/64)", config::change::live)
      .number("address_connections", limits.address_connections, 0, 1'000'000,
              "Their connections at once; 0: any number", config::change::live)
      .time("write", limits.write_time, 1s, 1h, "For a client to take 64 KiB of what it is sent",
            config::change::live);
}

void describe_limits(config::keys& k, settings& how) {
  k.group("messaging.limits", "What a client may do")
      .size("stanza", how.limits.stanza, 16 * kib, 16 * mib, "Bytes of a stanza")
      .number("depth", how.limits.depth, 8, 1000, "Elements within elements", config::change::live)
      .number("attributes", how.limits.attributes, 16, 1000, "Attributes of an element", config::change::live)
      .number("parts", how.limits.parts, 100, 1'000'000, "Elements and texts of a stanza",
              config::change::live)
      .time("negotiation", how.negotiation_time, 1s, 10min, "Until a client is signed in and bound",
            config::change::live)
      .time("resumption", how.resumption_time, 0s, 24h,
            "That a session waits for its client to come back (XEP-0198)", config::change::live)
      .number("sessions", how.sessions_per_user, 1, 1000, "Clients of a user at once", config::change::live)
      .number("contacts", how.contacts_per_user, 1, 100'000, "Contacts in a user's list",
              config::change::live);
  describe_traffic(k, how.traffic);
}

void describe_mechanisms(config::keys& k, xmpp::offered_mechanisms& may) {
  k.yes_no("scram_sha_256", may.scram_sha_256, "Offer SCRAM-SHA-256, with channel binding too",
           config::change::live)
      .yes_no("scram_sha_1", may.scram_sha_1, "The same of SCRAM-SHA-1", config::change::live)
      .yes_no("plain", may.plain, "Offer PLAIN, under TLS alone", config::change::live);
}

void describe_sign_ins(config::keys& k, sign_in_limits& limits) {
  k.group("messaging.sign_in", "Signing in, and failures before whoever tries has to wait")
      .number("failures_by_address", limits.by_address, 0, 1'000'000,
              "From one IPv4 address or IPv6 network (/64); 0: any number", config::change::live)
      .number("failures_by_account", limits.by_account, 0, 1'000'000,
              "With one account, from addresses that it was not used from before; 0: any number",
              config::change::live)
      .time("period", limits.period, 1s, 24h, "In which they are counted, and after which all is forgotten",
            config::change::live);
}

void describe_registration(config::keys& k, registration_settings& r) {
  k.group("messaging.registration", "What users may do to accounts themselves (XEP-0077)")
      .yes_no("open", r.open, "Anybody may make an account", config::change::live)
      .number("per_day", r.per_day, 1, 1'000'000,
              "Tries to make an account, from one IPv4 address or IPv6 network (/64) within a day",
              config::change::live)
      .yes_no("own_account", r.own_account, "A user may change his password, and remove his account",
              config::change::live);
}

void describe_room(config::keys& k, room_for_users& room) {
  k.group("messaging.storage", "What is kept for a user, at most")
      .number("offline_messages", room.offline_messages, 0, 100'000, "That wait until he comes",
              config::change::live)
      .size("offline", room.offline_bytes, 0, 1024 * mib, "Bytes of those", config::change::live)
      .size("private_xml", room.private_xml, 0, 1024 * mib, "Of clients' own data (XEP-0049)",
            config::change::live)
      .size("nodes", room.nodes, 0, 1024 * mib, "Of what is published: bookmarks, pictures, keys (XEP-0163)",
            config::change::live);
}

std::string check_host(const std::string& text) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
  if (text.find_first_not_of(allowed) == std::string::npos) return "";
  return fmt::format("'{}' is no host: write HOST or HOST:PORT", text);
}

std::string check_websocket(const std::string& text) {
  if (text.empty() || (text.starts_with("wss://") && text.find_first_of(" <>\"'") == std::string::npos)) {
    return "";
  }
  return fmt::format("'{}' is no WebSocket with TLS: write wss://HOST/PATH", text);
}

void describe_drain(config::keys& k, drain_settings& elsewhere) {
  k.group("messaging.drain", "Where clients are sent when the server stops")
      .text("see_other_host", elsewhere.see_other_host,
            "HOST or HOST:PORT of another server of the domain (RFC 6120, 4.9.3.19)", config::change::live,
            &check_host)
      .text(
          "see_other_uri", elsewhere.see_other_uri,
          "The same for those that came over WebSocket, as wss://chat.example.org/xmpp-websocket (RFC 7395)",
          config::change::live, &check_websocket);
}

std::string check_public_url(const std::string& text) { return text.empty() ? "" : check_origin(text); }

void describe_uploads(config::keys& k, upload_settings& files) {
  k.group("messaging.uploads", "Files that users send by way of the server (XEP-0363)")
      .size("max_file_size", files.max_file_size, 0, 4096 * mib, "Bytes of one; 0: there are no uploads")
      .size("bytes_per_day", files.bytes_per_day, 0, 1'048'576 * mib, "Of a user", config::change::live)
      .number("files_per_day", files.files_per_day, 1, 1'000'000, "Of a user", config::change::live)
      .number("days_kept", files.days_kept, 1, 36'500, "Until a file is taken away", config::change::live)
      .text("public_url", files.public_url,
            "Before /upload/ in their addresses, as https://chat.example.org; else where the node's HTTP "
            "server listens",
            config::change::live, &check_public_url);
}

} // namespace

std::string check_origin(const std::string& text) {
  if (is_origin(text)) return "";
  return fmt::format(
      "'{}' is no origin: write https://HOST or https://HOST:PORT, in lower case and without a "
      "slash behind it",
      text);
}

void describe(config::keys& k, configuration& c) {
  k.group("messaging", "The messaging server (XMPP)")
      .text("domain", c.how.domain, "The domain of its users' addresses")
      .text("data", c.folder,
            "The folder of its database and its certificate; without it there is no messaging server")
      .text(
          "database", c.database,
          "PostgreSQL instead of a file in that folder, as postgresql://user@host/name; the password belongs "
          "into ~/.pgpass")
      .text("certificate", c.certificate_file,
            "PEM, with the intermediate ones behind it; else one that it makes in the folder")
      .text("key", c.key_file, "The certificate's key, PEM")
      .address("listen", c.starttls, "Where clients connect, and then begin TLS (STARTTLS)")
      .address("listen_tls", c.tls, "Where they connect with TLS from the start")
      .address("listen_https", c.https,
               "Where browsers do: the web client, WebSocket and files over TLS; '': nowhere")
      .number("connections", c.max_connections, 1, 1'000'000, "Connections at each of them")
      .texts("origins", c.origins,
             "Web sites whose pages may sign in over WebSocket, as https://chat.example.org",
             config::change::at_start, &check_origin)
      .yes_no("demo_accounts", c.demo_accounts,
              "If there is no account yet, make alice and bob; their passwords are printed, this once")
      .number("iterations", c.how.iterations, 4'096, 1'000'000, "Of the hash of new passwords (SCRAM)",
              config::change::live);
  describe_limits(k, c.how);
  describe_sign_ins(k, c.how.sign_ins);
  describe_mechanisms(k, c.how.mechanisms);
  describe_registration(k, c.how.registration);
  describe_room(k, c.how.room);
  describe_uploads(k, c.how.uploads);
  describe_drain(k, c.how.drain);
}

settings reloaded(settings running, const settings& told) {
  xml::parser_limits limits = told.limits;
  limits.stanza = running.limits.stanza; // of the WebSocket it is set when the server starts
  running.limits = limits;
  running.negotiation_time = told.negotiation_time;
  running.resumption_time = told.resumption_time;
  running.sessions_per_user = told.sessions_per_user;
  running.contacts_per_user = told.contacts_per_user;
  running.iterations = told.iterations;
  running.sign_ins = told.sign_ins;
  running.mechanisms = told.mechanisms;
  running.traffic = told.traffic;
  running.registration = told.registration;
  running.drain = told.drain;
  running.room = told.room;
  running.uploads.bytes_per_day = told.uploads.bytes_per_day;
  running.uploads.files_per_day = told.uploads.files_per_day;
  running.uploads.days_kept = told.uploads.days_kept;
  running.uploads.public_url = told.uploads.public_url;
  return running;
}

} // namespace coppice::messaging
