#include "servers/config/document.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace coppice::config {
namespace {

place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// Builds the tree from the parser's events. What it does not take it throws, out of the parser.
class builder : public YAML::EventHandler {
public:
  node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& /*mark*/) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add(made(node::form::nothing, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw problem{place_of(mark), "aliases are not taken: write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag, anchor);
    const bool plain = tag.empty() || tag == "?";
    if (plain && (value.empty() || value == "~" || value == "null")) {
      return add(made(node::form::nothing, mark));
    }
    node one = made(node::form::scalar, mark);
    one.text = value;
    add(std::move(one));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check(mark, tag, anchor);
    open(made(node::form::list, mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check(mark, tag, anchor);
    open(made(node::form::map, mark));
  }
  void OnMapEnd() override { close(); }

private:
  /// A list or map that is not closed yet.
  struct level {
    node value;
    std::string key; ///< of a map, whose value follows
    place key_at;
    bool has_key = false;
  };

  node made(node::form form, const YAML::Mark& mark) {
    if (++values_ > most_values) {
      throw problem{place_of(mark), fmt::format("the file has more than {} values", most_values)};
    }
    node one;
    one.is = form;
    one.at = place_of(mark);
    return one;
  }

  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw problem{place_of(mark), "anchors are not taken: write the value out"};
  }
  static void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    if (!tag.empty() && tag != "?" && tag != "!") throw problem{place_of(mark), "tags are not taken"};
  }

  void open(node value) {
    if (!levels_.empty() && levels_.back().value.is == node::form::map && !levels_.back().has_key) {
      throw problem{value.at, "a key must be a plain text"};
    }
    if (levels_.size() >= most_depth) {
      throw problem{value.at, fmt::format("more than {} levels are nested here", most_depth)};
    }
    level next;
    next.value = std::move(value);
    levels_.push_back(std::move(next));
  }

  void close() {
    node whole = std::move(levels_.back().value);
    levels_.pop_back();
    add(std::move(whole));
  }

  void add(node value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return;
    }
    level& in = levels_.back();
    if (in.value.is == node::form::list) {
      in.value.items.push_back(std::move(value));
    } else if (in.has_key) {
      in.has_key = false;
      in.value.entries.push_back({std::move(in.key), in.key_at, std::move(value)});
    } else {
      take_key(in, std::move(value));
    }
  }

  static void take_key(level& in, node key) {
    if (key.is != node::form::scalar) throw problem{key.at, "a key must be a plain text"};
    const auto first = std::ranges::find(in.value.entries, key.text, &entry::name);
    if (first != in.value.entries.end()) {
      throw problem{key.at, fmt::format("'{}' is here for the second time: the first is in line {}", key.text,
                                        first->at.line)};
    }
    in.key = std::move(key.text);
    in.key_at = key.at;
    in.has_key = true;
  }

  node root_;
  std::vector<level> levels_;
  std::size_t values_ = 0;
};

} // namespace

std::string problem::in_file(std::string_view file) const {
  return fmt::format("{}:{}:{}: {}", file, at.line, at.column, text);
}

std::expected<node, problem> parse(std::string_view text) {
  if (text.size() > most_bytes) {
    return std::unexpected(problem{{}, fmt::format("the file has more than {} KiB", most_bytes >> 10)});
  }
  std::istringstream in{std::string(text)};
  builder tree;
  try {
    YAML::Parser parser(in);
    if (!parser.HandleNextDocument(tree)) return node{.is = node::form::map};
    node root = tree.take();
    builder second;
    if (parser.HandleNextDocument(second)) {
      return std::unexpected(problem{second.take().at, "a second document begins: a file is one"});
    }
    if (root.is == node::form::nothing) root.is = node::form::map;
    if (root.is != node::form::map)
      return std::unexpected(problem{root.at, "keys were expected, 'key: value'"});
    return root;
  } catch (const problem& wrong) {
    return std::unexpected(wrong);
  } catch (const YAML::Exception& wrong) {
    return std::unexpected(problem{place_of(wrong.mark), wrong.msg});
  }
}

} // namespace coppice::config
