#include "coppice/http/detail/route_pattern.hpp"

#include <algorithm>

#include "coppice/http/detail/chars.hpp"

namespace coppice::http::detail {

namespace {

constexpr std::size_t max_parts = 64;

std::unexpected<pattern_error> refuse(std::size_t at, std::string what) {
  return std::unexpected(pattern_error{at, std::move(what)});
}

bool valid_name(std::string_view name) noexcept {
  return !name.empty() && !is_digit(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

std::expected<pattern_part, pattern_error> parse_part(std::string_view text, std::size_t at,
                                                      const pattern_parts& before) {
  if (text.starts_with(':')) {
    const std::string name(text.substr(1));
    if (!valid_name(name)) return refuse(at + 1, "a binding's name consists of letters, digits and '_'");
    const bool taken = std::any_of(before.begin(), before.end(), [&](const pattern_part& p) {
      return p.kind == part_kind::binding && p.text == name;
    });
    if (taken) return refuse(at, "the binding ':" + name + "' occurs twice");
    return pattern_part{part_kind::binding, name};
  }
  if (text == "." || text == "..") return refuse(at, "'.' and '..' never arrive in a path");
  return pattern_part{part_kind::literal, std::string(text)};
}

class path_pattern_parser {
public:
  explicit path_pattern_parser(std::string_view pattern) : pattern_(pattern) {}

  std::expected<std::vector<pattern_parts>, pattern_error> parse() {
    if (!pattern_.starts_with('/')) return refuse(0, "a path pattern begins with '/'");
    at_ = 1;
    while (at_ < pattern_.size() && pattern_[at_] != ']') {
      if (pattern_.substr(at_) == "[...]" + std::string(depth_, ']')) return finish_with_rest();
      if (const auto step = take(); !step) return std::unexpected(step.error());
    }
    return finish();
  }

private:
  using step_result = std::expected<void, pattern_error>;

  step_result take() {
    const char c = pattern_[at_];
    if (c == '[') {
      if (pattern_.substr(at_).starts_with("[...]")) return refuse(at_, "'[...]' must end the pattern");
      variants_.push_back(parts_);
      ++depth_;
      ++at_;
      if (at_ < pattern_.size() && pattern_[at_] == '/') ++at_; // "/a[/b]" is "/a/[b]"
      if (at_ == pattern_.size() || pattern_[at_] == ']') return refuse(at_, "the brackets are empty");
      return {};
    }
    const std::size_t end = std::min(pattern_.find_first_of("/[]", at_), pattern_.size());
    if (end == at_) return refuse(at_, "an empty segment");
    auto part = parse_part(pattern_.substr(at_, end - at_), at_, parts_);
    if (!part) return std::unexpected(std::move(part.error()));
    if (parts_.size() == max_parts) return refuse(at_, "more than 64 segments");
    parts_.push_back(std::move(*part));
    at_ = end;
    if (at_ == pattern_.size() || pattern_[at_] == ']') return {};
    if (pattern_[at_] == '/') {
      ++at_;
    } else if (pattern_.substr(at_, 2) != "[/") {
      return refuse(at_, "'[' stands at the beginning of a segment");
    }
    return {};
  }

  std::expected<std::vector<pattern_parts>, pattern_error> finish() {
    const std::size_t closing = pattern_.size() - at_;
    const std::size_t other = std::min(pattern_.find_first_not_of(']', at_), pattern_.size());
    if (other < pattern_.size()) return refuse(other, "optional parts end the pattern");
    if (closing < depth_) return refuse(pattern_.size(), "a ']' is missing");
    if (closing > depth_) return refuse(at_ + depth_, "a ']' closes nothing");
    variants_.push_back(std::move(parts_));
    return std::move(variants_);
  }

  std::expected<std::vector<pattern_parts>, pattern_error> finish_with_rest() {
    parts_.push_back({part_kind::rest, {}});
    variants_.push_back(std::move(parts_));
    return std::move(variants_);
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  pattern_parts parts_;
  std::vector<pattern_parts> variants_;
};

} // namespace

std::expected<std::vector<pattern_parts>, pattern_error> parse_path_pattern(std::string_view pattern) {
  return path_pattern_parser(pattern).parse();
}

std::expected<pattern_parts, pattern_error> parse_host_pattern(std::string_view pattern) {
  pattern_parts parts;
  std::size_t begin = 0;
  const bool has_rest = pattern.starts_with("[...].");
  if (has_rest) begin = 6;
  while (begin <= pattern.size()) {
    const std::size_t end = std::min(pattern.find('.', begin), pattern.size());
    const std::string_view label = pattern.substr(begin, end - begin);
    if (label.empty()) return refuse(begin, "an empty label");
    auto part = parse_part(label, begin, parts);
    if (!part) return std::unexpected(std::move(part.error()));
    if (part->kind == part_kind::literal) {
      const bool valid =
          std::all_of(label.begin(), label.end(), [](char c) { return in(unreserved_chars, c); });
      if (!valid) return refuse(begin, "a host's label consists of letters, digits, '-' and '_'");
      std::transform(part->text.begin(), part->text.end(), part->text.begin(), to_lower);
    }
    if (parts.size() == max_parts) return refuse(begin, "more than 64 labels");
    parts.push_back(std::move(*part));
    begin = end + 1;
  }
  std::reverse(parts.begin(), parts.end());
  if (has_rest) parts.push_back({part_kind::rest, {}});
  return parts;
}

} // namespace coppice::http::detail
