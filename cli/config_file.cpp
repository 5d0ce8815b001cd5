#include "cli/config_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>

namespace coppice::cli {
namespace {

constexpr std::string_view introduction =
    R"(# The configuration of coppice: `coppice run --config FILE`, and `coppice run --config FILE --check` to see whether
# it is well. Every value here is the default, so a file needs only the keys that differ. What the command line
# says comes before the file.
# Sizes are bytes, or a number with KiB, MiB or GiB; times a number with ms, s, m, h or d.
)";

struct file_closer {
  void operator()(std::FILE* f) const noexcept { std::fclose(f); }
};

/// At most a byte more than a configuration may have.
std::expected<std::string, std::string> read_bounded(const std::string& file) {
  const std::unique_ptr<std::FILE, file_closer> in(std::fopen(file.c_str(), "rbe"));
  if (!in) return std::unexpected(std::string(std::strerror(errno)));
  std::string text(config::most_bytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), in.get()));
  if (std::ferror(in.get()) != 0) return std::unexpected(std::string(std::strerror(errno)));
  return text;
}

template <class T>
void set_enum(T& into, int value) {
  into = static_cast<T>(value);
}

} // namespace

std::string check_served_as(const std::string& name) {
  const bool ok = !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-._:[]").find(c) != std::string_view::npos;
  });
  return ok ? ""
            : "'" + name + "' is no host name: letters, digits, '.', '-', and a ':PORT' if it is another";
}

config::keys described(file_options& o) {
  const auto word = [](const char* name, auto value) {
    return config::choice{name, static_cast<int>(value)};
  };
  config::keys k;
  k.group("node", "The node, and its HTTP server")
      .address("listen", o.listen, "Where its HTTP server listens; port 0 takes any free one")
      .yes_no(
          "allow_remote", o.allow_remote,
          "Listen on addresses that other machines reach; its pages are not encrypted, and whoever loads the "
          "console may kill any process")
      .texts("served_as", o.served_as, "Further names by which browsers reach it, as chat.example.org",
             config::change::at_start, &check_served_as)
      .one_of(
          "log_format", {word("text", log_format::text), word("json", log_format::json)},
          [&o](int v) { set_enum(o.format, v); }, [&o] { return static_cast<int>(o.format); },
          "How the log on stderr looks")
      .one_of(
          "log_level",
          {word("debug", severity::debug), word("info", severity::info), word("notice", severity::notice),
           word("warning", severity::warning), word("error", severity::error),
           word("critical", severity::critical)},
          [&o](int v) { set_enum(o.level, v); }, [&o] { return static_cast<int>(o.level); },
          "The least important reports to log")
      .number("cores", o.cores, 0, 1024, "Threads that run processes; 0: as many as the machine has");
  messaging::describe(k, o.messaging);
  return k;
}

std::optional<just_say> read_config(const std::string& file, file_options& into) {
  const auto text = read_bounded(file);
  if (!text) {
    return just_say{status_usage, fmt::format("coppice: --config {}: {}\n", file, text.error())};
  }
  const auto tree = config::parse(*text);
  std::vector<config::problem> wrong;
  if (tree) {
    wrong = config::apply(described(into), *tree);
  } else {
    wrong.push_back(tree.error());
  }
  if (wrong.empty()) return std::nullopt;
  std::string lines;
  for (const config::problem& one : wrong) lines += one.in_file(file) + "\n";
  return just_say{status_usage, lines};
}

file_options as_file(const run_options& o) {
  file_options all;
  all.listen = o.listen;
  all.allow_remote = o.remote;
  all.served_as = o.served_as;
  all.format = o.format;
  all.level = o.level;
  all.cores = o.cores;
  all.messaging = o.messaging.value_or(messaging_options());
  return all;
}

std::string config_text(file_options o) { return config::example(described(o), introduction); }

} // namespace coppice::cli
