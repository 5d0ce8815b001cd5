#include "servers/messaging/storage/schema.hpp"

namespace coppice::messaging::storage {

namespace {

// An archive is paged through by its primary key or by the other side, and expires by its time, which grows
// at the index's end. Items of a node are in the order of `seq`, which grows with each publication.
constexpr std::string_view first = R"(
CREATE TABLE account (name {text} PRIMARY KEY, created {int} NOT NULL) {rowless};
CREATE TABLE verifier (account {text} NOT NULL, hash {int} NOT NULL, iterations {int} NOT NULL,
  salt {blob} NOT NULL, stored_key {blob} NOT NULL, server_key {blob} NOT NULL,
  PRIMARY KEY (account, hash)) {rowless};

CREATE TABLE roster (owner {text} NOT NULL, contact {text} NOT NULL, name {text} NOT NULL, flags {int} NOT NULL,
  user_groups {blob} NOT NULL, version {int} NOT NULL, PRIMARY KEY (owner, contact)) {rowless};
CREATE TABLE roster_gone (owner {text} NOT NULL, contact {text} NOT NULL, version {int} NOT NULL,
  PRIMARY KEY (owner, contact)) {rowless};
CREATE TABLE roster_version (owner {text} PRIMARY KEY, version {int} NOT NULL, oldest {int} NOT NULL) {rowless};

CREATE TABLE offline (owner {text} NOT NULL, id {int} NOT NULL, message {int} NOT NULL, at {int} NOT NULL,
  stanza {text} NOT NULL, PRIMARY KEY (owner, id));
CREATE UNIQUE INDEX offline_message ON offline (owner, message);

CREATE TABLE archive (owner {text} NOT NULL, id {int} NOT NULL, with_bare {text} NOT NULL,
  with_resource {text} NOT NULL, at {int} NOT NULL, stanza {text} NOT NULL, origin {text} NOT NULL,
  PRIMARY KEY (owner, id));
CREATE INDEX archive_with ON archive (owner, with_bare, id);
CREATE UNIQUE INDEX archive_origin ON archive (owner, origin) WHERE origin <> '';
CREATE INDEX archive_at ON archive (at);
CREATE TABLE archive_policy (owner {text} PRIMARY KEY, policy {int} NOT NULL) {rowless};
CREATE TABLE archive_rule (owner {text} NOT NULL, contact {text} NOT NULL, always {int} NOT NULL,
  PRIMARY KEY (owner, always, contact)) {rowless};

CREATE TABLE private_xml (owner {text} NOT NULL, name {text} NOT NULL, body {text} NOT NULL,
  PRIMARY KEY (owner, name));
CREATE TABLE vcard (owner {text} PRIMARY KEY, body {text} NOT NULL);
CREATE TABLE blocked (owner {text} NOT NULL, who {text} NOT NULL, PRIMARY KEY (owner, who)) {rowless};

CREATE TABLE pubsub_node (owner {text} NOT NULL, node {text} NOT NULL, config {text} NOT NULL, created {int} NOT NULL,
  PRIMARY KEY (owner, node));
CREATE TABLE pubsub_item (owner {text} NOT NULL, node {text} NOT NULL, id {text} NOT NULL,
  publisher {text} NOT NULL, at {int} NOT NULL, payload {text} NOT NULL, seq {int} NOT NULL,
  PRIMARY KEY (owner, node, id));
CREATE UNIQUE INDEX pubsub_item_seq ON pubsub_item (owner, node, seq);

CREATE TABLE room (address {text} PRIMARY KEY, config {text} NOT NULL, subject {text} NOT NULL, created {int} NOT NULL);
CREATE TABLE room_affiliation (room {text} NOT NULL, who {text} NOT NULL, affiliation {int} NOT NULL,
  reason {text} NOT NULL, nick {text} NOT NULL, PRIMARY KEY (room, who)) {rowless};

CREATE TABLE setting (name {text} PRIMARY KEY, value {blob} NOT NULL) {rowless};
)";

// Files leave in the order in which they came, each state after a time of its own.
constexpr std::string_view uploads = R"(
CREATE TABLE upload (id {text} PRIMARY KEY, owner {text} NOT NULL, name {text} NOT NULL, size {int} NOT NULL,
  type {text} NOT NULL, asked {int} NOT NULL, state {int} NOT NULL) {rowless};
CREATE INDEX upload_owner ON upload (owner, asked);
CREATE INDEX upload_state ON upload (state, asked);
)";

// How many bytes came since the first, this one included: what waits is the difference of last and first.
constexpr std::string_view offline_bytes = R"(
ALTER TABLE offline ADD COLUMN bytes_after {int} NOT NULL DEFAULT 0;
)";

} // namespace

std::vector<store::migration> migrations() { return {{1, first}, {2, uploads}, {3, offline_bytes}}; }

} // namespace coppice::messaging::storage
