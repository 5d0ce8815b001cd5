// What other nodes have told, as text for people and as JSON: pure functions. In JSON terms are texts, as
// Erlang prints them.
#pragma once

#include "coppice/dist/epmd_protocol.hpp"
#include "coppice/term/term.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::cli {

/// A process of another node.
struct process_row {
  std::string pid;
  std::string name;         ///< as it is registered; '' if it is not
  std::string initial_call; ///< `module:function/arity`
  std::string status;
  std::int64_t memory = 0; ///< bytes
  std::int64_t message_queue_len = 0;
  std::int64_t reductions = 0;
};

/// A child of a supervisor of another node, or a supervisor above which there is none.
struct tree_row {
  std::string id;   ///< by which its supervisor knows it; '' of the topmost
  std::string pid;  ///< or why there is none: `undefined`, `restarting`
  std::string name; ///< as it is registered; '' if it is not
  bool supervisor = false;
  bool silent = false; ///< a supervisor that has not told its children
  std::vector<tree_row> children;
};

std::string nodes_as_text(const std::vector<dist::named_port>& nodes);
std::string nodes_as_json(const std::string& host, const std::vector<dist::named_port>& nodes);
std::string pong_as_json(const std::string& node);
std::string reply_as_json(const std::string& node, const std::string& server, const term& reply);
std::string cast_as_json(const std::string& node, const std::string& server, const term& message);
std::string processes_as_text(const std::vector<process_row>& rows);
std::string processes_as_json(const std::string& node, const std::vector<process_row>& rows);
std::string tree_as_text(const std::vector<tree_row>& roots);
std::string tree_as_json(const std::string& node, const std::vector<tree_row>& roots);

} // namespace coppice::cli
