// The keys of a configuration file, described once: from the description a file is read and checked, an
// example is written, and a table for the documentation.
//
//   config::keys k;
//   k.group("limits", "What a client may send").size("stanza", s.stanza, 1_KiB, 16_MiB, "bytes of a stanza");
//   problems = config::apply(k, *parsed);
#pragma once

#include "coppice/net/endpoint.hpp"
#include "servers/config/document.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::config {

/// Whether a change of it is taken up by a program that runs.
enum class change : std::uint8_t {
  at_start, ///< by the next one
  live,
};

/// What one of some words means.
struct choice {
  std::string word;
  int value;
};

/// One key: of a value, or of a group of others.
struct key {
  std::string path;  ///< with the groups that it is in: `messaging.limits.stanza`
  std::string type;  ///< for people: `size`; '' of a group
  std::string about; ///< for people, in a line
  change takes = change::at_start;
  /// Takes the value of the file; says what is wrong with it, or nothing.
  std::function<std::optional<std::string>(const node&)> take = {};
  /// The value as it is now, as the file would have it; '' for none.
  std::function<std::string()> show = {};

  [[nodiscard]] bool is_group() const noexcept { return !take; }
};

/// Keys that set variables, which must stay where they are.
class keys {
public:
  /// What text is a value besides being a text: '' or what is wrong.
  using checker = std::function<std::string(const std::string&)>;

  /// Keys that follow are in this group, of that path in full, or '' for the top.
  keys& group(std::string path, std::string about);

  keys& text(std::string name, std::string& into, std::string about, change takes = change::at_start,
             checker check = {});
  keys& yes_no(std::string name, bool& into, std::string about, change takes = change::at_start);
  /// A whole number of that range.
  template <std::unsigned_integral T>
  keys& number(std::string name, T& into, std::uint64_t least, std::uint64_t most, std::string about,
               change takes = change::at_start) {
    return whole(
        std::move(name), [&into](std::uint64_t v) { into = static_cast<T>(v); },
        [&into] { return std::uint64_t{into}; }, least, most, std::move(about), takes);
  }
  /// Bytes of that range.
  keys& size(std::string name, std::size_t& into, std::uint64_t least, std::uint64_t most, std::string about,
             change takes = change::at_start);
  keys& time(std::string name, std::chrono::nanoseconds& into, std::chrono::nanoseconds least,
             std::chrono::nanoseconds most, std::string about, change takes = change::at_start);
  /// A numeric address with a port.
  keys& address(std::string name, net::endpoint& into, std::string about);
  /// The same, or '' for none.
  keys& address(std::string name, std::optional<net::endpoint>& into, std::string about);
  keys& texts(std::string name, std::vector<std::string>& into, std::string about,
              change takes = change::at_start, checker check = {});
  /// One of some words. The type of `into` is of the caller's choice.
  keys& one_of(std::string name, const std::vector<choice>& words, std::function<void(int)> set,
               std::function<int()> get, std::string about, change takes = change::at_start);

  [[nodiscard]] const std::vector<key>& all() const noexcept { return all_; }

private:
  keys& whole(std::string name, std::function<void(std::uint64_t)> set, std::function<std::uint64_t()> get,
              std::uint64_t least, std::uint64_t most, std::string about, change takes);
  keys& add(std::string name, key one);

  std::string group_;
  std::vector<key> all_;
};

/// Sets what the file says; what it does not name stays. All that is wrong, by place, at most some twenty:
/// keys that nobody knows (with the one that may be meant), values of another type or out of range.
std::vector<problem> apply(const keys& known, const node& file);

/// A file that sets every key to what it is now, with what it is for as comments. `introduction` stands
/// above.
std::string example(const keys& known, std::string_view introduction);
/// The table of the keys for a page in Markdown.
std::string table(const keys& known);

/// A key that differs between two descriptions of the same keys.
struct difference {
  std::string path;
  std::string before, after; ///< as the file would have them
  change takes = change::at_start;
};
std::vector<difference> differences(const keys& before, const keys& after);

} // namespace coppice::config
