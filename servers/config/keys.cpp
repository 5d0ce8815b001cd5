#include "servers/config/keys.hpp"

#include "servers/config/units.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <numeric>
#include <utility>

namespace coppice::config {
namespace {

constexpr std::size_t most_problems = 20;

/// A text in quotes, as YAML and JSON have them alike.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < ' ') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string_view form_name(const node& value) {
  switch (value.is) {
  case node::form::nothing: return "nothing";
  case node::form::scalar: return "a value";
  case node::form::list: return "a list";
  case node::form::map: break;
  }
  return "keys";
}

std::optional<std::string> no_scalar(const node& value, std::string_view wanted) {
  if (value.is == node::form::scalar) return std::nullopt;
  return fmt::format("{} was expected, not {}", wanted, form_name(value));
}

std::optional<std::string> read_address(const node& v, net::endpoint& into) {
  if (auto why = no_scalar(v, "an address")) return why;
  const auto at = net::endpoint::parse(v.text);
  if (!at) return fmt::format("{}: give a numeric address with a port, as 127.0.0.1:5222", at.error());
  into = *at;
  return std::nullopt;
}

/// How many letters must be added, removed or replaced (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

std::string_view last_of(std::string_view path) { return path.substr(path.rfind('.') + 1); }
std::string_view group_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string unknown(const keys& known, std::string_view group, const std::string& name) {
  constexpr std::size_t longest = 64;
  const std::string said = name.size() > longest ? name.substr(0, longest) + "..." : name;
  const key* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(2, name.size() / 3) + 1;
  const key* elsewhere = nullptr;
  for (const key& k : known.all()) {
    if (name.size() > longest) break;
    if (last_of(k.path) == name) elsewhere = &k;
    if (group_of(k.path) != group) continue;
    const std::size_t d = distance(last_of(k.path), name);
    if (d < least) {
      least = d;
      nearest = &k;
    }
  }
  const std::string where = group.empty() ? "" : fmt::format(" in '{}'", group);
  std::string text = fmt::format("there is no key '{}'{}", said, where);
  if (nearest != nullptr) return text + fmt::format("; did you mean '{}'?", last_of(nearest->path));
  if (elsewhere != nullptr) return text + fmt::format("; did you mean '{}'?", elsewhere->path);
  text += "; there are";
  std::string_view comma = " ";
  for (const key& k : known.all()) {
    if (group_of(k.path) != group) continue;
    text.append(comma).append(last_of(k.path));
    comma = ", ";
  }
  return text;
}

void apply_to(const keys& known, const node& map, const std::string& group, std::vector<problem>& wrong) {
  for (const entry& e : map.entries) {
    if (wrong.size() >= most_problems) return;
    const std::string path = group.empty() ? e.name : group + "." + e.name;
    const auto found = std::ranges::find(known.all(), path, &key::path);
    if (found == known.all().end()) {
      wrong.push_back({e.at, unknown(known, group, e.name)});
    } else if (!found->is_group()) {
      if (auto why = found->take(e.value)) wrong.push_back({e.value.at, fmt::format("{}: {}", path, *why)});
    } else if (e.value.is == node::form::map) {
      apply_to(known, e.value, path, wrong);
    } else if (e.value.is != node::form::nothing) {
      wrong.push_back({e.value.at, fmt::format("{}: keys were expected, not {}", path, form_name(e.value))});
    }
  }
}

std::string shown_list(const std::vector<std::string>& all) {
  std::string text = "[";
  for (const std::string& one : all) {
    if (text.size() > 1) text += ", ";
    text += quoted(one);
  }
  return text + "]";
}

} // namespace

keys& keys::add(std::string name, key one) {
  one.path = group_.empty() ? std::move(name) : group_ + "." + name;
  all_.push_back(std::move(one));
  return *this;
}

keys& keys::group(std::string path, std::string about) {
  group_.clear();
  if (!path.empty()) add(path, {.path = {}, .type = {}, .about = std::move(about)});
  group_ = std::move(path);
  return *this;
}

keys& keys::text(std::string name, std::string& into, std::string about, change takes, checker check) {
  const auto take = [&into, check = std::move(check)](const node& v) -> std::optional<std::string> {
    if (auto why = no_scalar(v, "a text")) return why;
    if (check) {
      if (std::string why = check(v.text); !why.empty()) return why;
    }
    into = v.text;
    return std::nullopt;
  };
  return add(std::move(name), {{}, "text", std::move(about), takes, take, [&into] { return quoted(into); }});
}

keys& keys::yes_no(std::string name, bool& into, std::string about, change takes) {
  const auto take = [&into](const node& v) -> std::optional<std::string> {
    const bool yes = v.text == "yes" || v.text == "true";
    if (v.is != node::form::scalar || (!yes && v.text != "no" && v.text != "false")) {
      return "yes or no was expected";
    }
    into = yes;
    return std::nullopt;
  };
  return add(std::move(name), {{}, "yes, no", std::move(about), takes, take, [&into] {
                                 return std::string(into ? "yes" : "no");
                               }});
}

keys& keys::whole(std::string name, std::function<void(std::uint64_t)> set,
                  std::function<std::uint64_t()> get, std::uint64_t least, std::uint64_t most,
                  std::string about, change takes) {
  const auto take = [set = std::move(set), least, most](const node& v) -> std::optional<std::string> {
    std::uint64_t value = 0;
    const char* const end = v.text.data() + v.text.size();
    const auto read = std::from_chars(v.text.data(), end, value);
    if (v.is != node::form::scalar || read.ec != std::errc() || read.ptr != end || value < least ||
        value > most) {
      return fmt::format("a whole number from {} to {} was expected", least, most);
    }
    set(value);
    return std::nullopt;
  };
  const auto show = [get = std::move(get)] { return fmt::format("{}", get()); };
  return add(std::move(name),
             {{}, fmt::format("{} to {}", least, most), std::move(about), takes, take, show});
}

keys& keys::size(std::string name, std::size_t& into, std::uint64_t least, std::uint64_t most,
                 std::string about, change takes) {
  const auto take = [&into, least, most](const node& v) -> std::optional<std::string> {
    if (auto why = no_scalar(v, "a size")) return why;
    const auto bytes = parse_size(v.text);
    if (!bytes) return bytes.error();
    if (*bytes < least || *bytes > most) {
      return fmt::format("a size from {} to {} was expected", size_text(least), size_text(most));
    }
    into = *bytes;
    return std::nullopt;
  };
  return add(std::move(name), {{},
                               fmt::format("size, {} to {}", size_text(least), size_text(most)),
                               std::move(about),
                               takes,
                               take,
                               [&into] { return size_text(into); }});
}

keys& keys::time(std::string name, std::chrono::nanoseconds& into, std::chrono::nanoseconds least,
                 std::chrono::nanoseconds most, std::string about, change takes) {
  const auto take = [&into, least, most](const node& v) -> std::optional<std::string> {
    if (auto why = no_scalar(v, "a time")) return why;
    const auto time = parse_duration(v.text);
    if (!time) return time.error();
    if (*time < least || *time > most) {
      return fmt::format("a time from {} to {} was expected", duration_text(least), duration_text(most));
    }
    into = *time;
    return std::nullopt;
  };
  return add(std::move(name), {{},
                               fmt::format("time, {} to {}", duration_text(least), duration_text(most)),
                               std::move(about),
                               takes,
                               take,
                               [&into] { return duration_text(into); }});
}

keys& keys::address(std::string name, std::optional<net::endpoint>& into, std::string about) {
  const auto take = [&into](const node& v) -> std::optional<std::string> {
    if (v.is == node::form::scalar && v.text.empty()) {
      into.reset();
      return std::nullopt;
    }
    net::endpoint at;
    auto why = read_address(v, at);
    if (!why) into = at;
    return why;
  };
  return add(std::move(name), {{}, "address:port", std::move(about), change::at_start, take, [&into] {
                                 return quoted(into ? into->to_string() : "");
                               }});
}

keys& keys::address(std::string name, net::endpoint& into, std::string about) {
  const auto take = [&into](const node& v) { return read_address(v, into); };
  return add(std::move(name), {{}, "address:port", std::move(about), change::at_start, take, [&into] {
                                 return quoted(into.to_string());
                               }});
}

keys& keys::texts(std::string name, std::vector<std::string>& into, std::string about, change takes,
                  checker check) {
  const auto take = [&into, check = std::move(check)](const node& v) -> std::optional<std::string> {
    if (v.is != node::form::list) return fmt::format("a list was expected, not {}", form_name(v));
    std::vector<std::string> all;
    for (const node& item : v.items) {
      if (auto why = no_scalar(item, "a text in the list")) return why;
      if (check) {
        if (std::string why = check(item.text); !why.empty()) return why;
      }
      all.push_back(item.text);
    }
    into = std::move(all);
    return std::nullopt;
  };
  return add(std::move(name),
             {{}, "list of texts", std::move(about), takes, take, [&into] { return shown_list(into); }});
}

keys& keys::one_of(std::string name, const std::vector<choice>& words, std::function<void(int)> set,
                   std::function<int()> get, std::string about, change takes) {
  std::string type;
  for (const choice& c : words) type += (type.empty() ? "" : ", ") + c.word;
  const auto take = [words, type, set = std::move(set)](const node& v) -> std::optional<std::string> {
    const auto found = std::ranges::find(words, v.text, &choice::word);
    if (v.is != node::form::scalar || found == words.end()) return "one of " + type + " was expected";
    set(found->value);
    return std::nullopt;
  };
  const auto show = [words, get = std::move(get)] {
    const auto found = std::ranges::find(words, get(), &choice::value);
    return found == words.end() ? std::string() : found->word;
  };
  return add(std::move(name), {{}, type, std::move(about), takes, take, show});
}

std::vector<problem> apply(const keys& known, const node& file) {
  std::vector<problem> wrong;
  apply_to(known, file, "", wrong);
  return wrong;
}

std::string example(const keys& known, std::string_view introduction) {
  std::string text(introduction);
  for (const key& k : known.all()) {
    const auto deep = static_cast<std::size_t>(std::ranges::count(k.path, '.'));
    const std::string indent(deep * 2, ' ');
    if (k.is_group()) {
      text += fmt::format("\n{}# {}.\n{}{}:\n", indent, k.about, indent, last_of(k.path));
      continue;
    }
    text += fmt::format("{}# {} ({}{}).\n{}{}: {}\n", indent, k.about, k.type,
                        k.takes == change::live ? "; reload" : "", indent, last_of(k.path), k.show());
  }
  return text;
}

std::string table(const keys& known) {
  std::string text = "| Key | Values | Default | What it is |\n|---|---|---|---|\n";
  for (const key& k : known.all()) {
    if (k.is_group()) continue;
    text += fmt::format("| `{}`{} | {} | `{}` | {} |\n", k.path, k.takes == change::live ? " ↻" : "", k.type,
                        k.show(), k.about);
  }
  return text;
}

std::vector<difference> differences(const keys& before, const keys& after) {
  std::vector<difference> found;
  for (std::size_t i = 0; i < before.all().size() && i < after.all().size(); ++i) {
    const key& b = before.all()[i];
    if (b.is_group()) continue;
    std::string was = b.show();
    std::string is = after.all()[i].show();
    if (was != is) found.push_back({b.path, std::move(was), std::move(is), b.takes});
  }
  return found;
}

} // namespace coppice::config
