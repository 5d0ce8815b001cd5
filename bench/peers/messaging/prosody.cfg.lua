-- Prosody 0.12 for the work of our messaging server: the modules of Debian's own configuration that have a part in it,
-- without limits of rate. bench/run-messaging fills in the @NAMES@.
run_as_root = true
daemonize = false
pidfile = "@WORK@/prosody.pid"
data_path = "@WORK@/prosody"
log = { error = "@WORK@/prosody.log" }
interfaces = { "127.0.0.1" }
c2s_ports = {}
c2s_direct_tls_ports = { @PORT@ }
s2s_ports = {}
network_settings = { tcp_backlog = 1024 }
authentication = "internal_hashed"
storage = "internal"
ssl = { key = "@WORK@/key.pem", certificate = "@WORK@/certificate.pem" }
modules_disabled = { "s2s" }
modules_enabled = {
  "disco", "roster", "saslauth", "tls", "blocklist", "bookmarks", "carbons", "pep", "private", "smacks", "vcard4",
  "vcard_legacy", "csi_simple", "ping", "time", "version", @ARCHIVE@
}
VirtualHost "localhost"
Component "conference.localhost" "muc"
  modules_enabled = { @ROOM_ARCHIVE@ }
