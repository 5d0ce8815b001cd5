// What the tests of the behaviours share: a stepped node that keeps its reports, and a diary for processes to
// write into.
#pragma once

#include "coppice/runtime/node.hpp"

#include <memory>
#include <string>
#include <vector>

namespace coppice {

/// What processes did, for the test that owns it: stepped nodes have one thread, so it needs no lock.
using diary = std::vector<std::string>;
using shared_diary = std::shared_ptr<diary>;

template <>
struct enable_sendable<shared_diary> {
  static constexpr bool value = true;
};

/// A stepped node and its reports.
struct test_node {
  test_node() : n(options()) {}
  node_options options() {
    node_options o = stepped();
    o.on_report = [this](const report& r) { reports.push_back(r); };
    return o;
  }
  /// How many reports of that kind there were.
  [[nodiscard]] std::size_t count(const std::string& kind) const {
    std::size_t n_of_kind = 0;
    for (const report& r : reports) n_of_kind += r.kind == kind ? 1 : 0;
    return n_of_kind;
  }
  /// That field of the first report of that kind; the atom no_such_field if there is none.
  [[nodiscard]] term field(const std::string& kind, const std::string& name) const {
    for (const report& r : reports) {
      if (r.kind != kind) continue;
      for (const auto& [key, value] : r.fields) {
        if (key == name) return value;
      }
    }
    return term(atom("no_such_field"));
  }

  std::vector<report> reports;
  node n;
};

} // namespace coppice
