#include "coppice/otp/detail/report_text.hpp"

#include "coppice/term/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>

namespace coppice::detail {
namespace {

constexpr std::size_t max_frames = 40;

const term* field(const report& r, std::string_view name) {
  auto found = std::ranges::find_if(r.fields, [name](const auto& f) { return f.first == name; });
  return found == r.fields.end() ? nullptr : &found->second;
}

std::string as_text(const term& t, std::size_t limit) {
  return coppice::to_string(t, text_options{limit, true});
}

/// How many bytes the UTF-8 character at the front takes; 0 if it is none.
std::size_t character_size(std::string_view s) {
  const auto byte = [s](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  const auto follows = [&byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    bool overlong = first == 0xE0 && byte(1) < 0xA0;
    bool surrogate = first == 0xED && byte(1) >= 0xA0;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    bool overlong = first == 0xF0 && byte(1) < 0x90;
    bool beyond = first == 0xF4 && byte(1) >= 0x90;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// Text of unknown origin in at most `limit` bytes of valid UTF-8; `escape` writes each control character.
template <class Escape>
std::string cleaned(std::string_view text, std::size_t limit, Escape escape) {
  std::string out;
  bool cut = limit > 0 && text.size() > limit;
  if (cut) text = text.substr(0, limit > 3 ? limit - 3 : limit);
  while (!text.empty()) {
    std::size_t size = character_size(text);
    if (size == 0 && cut && text.size() < 4) break; // the cut went through it
    if (size == 0) {
      out += "\xEF\xBF\xBD";
      size = 1;
    } else if (size == 1) {
      escape(out, text.front());
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  if (cut) out += "...";
  return out;
}

/// On one line of a terminal, which must not be told anything by it.
std::string on_one_line(std::string_view text, std::size_t limit) {
  return cleaned(text, limit, [](std::string& out, char c) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      out += c;
    }
  });
}

std::string json_string(std::string_view text, std::size_t limit = 0) {
  return '"' +
         cleaned(text, limit,
                 [](std::string& out, char c) {
                   if (c == '"' || c == '\\') {
                     out += '\\';
                     out += c;
                   } else if (static_cast<unsigned char>(c) < 0x20) {
                     out += fmt::format("\\u{:04x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
                   } else {
                     out += c;
                   }
                 }) +
         '"';
}

std::string json_value(const term& t, std::size_t limit) {
  if (t.as_int64()) return fmt::format("{}", *t.as_int64());
  return json_string(as_text(t, limit));
}

/// `std::runtime_error: disk full`, or the reason as a term.
std::string why(const exit_reason& reason, std::size_t limit) {
  const crash_details* d = reason.details();
  if (d == nullptr) return as_text(reason.value(), limit);
  if (d->text.empty()) return on_one_line(d->type, limit);
  return on_one_line(d->type + ": " + d->text, limit);
}

std::string who(const report& r, std::size_t limit) {
  const term* name = field(r, "name");
  const term* call = field(r, "initial_call");
  std::string text = name != nullptr ? as_text(*name, limit) : as_text(r.process, limit);
  if (call != nullptr && as_text(*call, limit) != text) text += " (" + as_text(*call, limit) + ")";
  return text;
}

std::string supervisor_headline(const report& r, std::size_t limit) {
  const term* supervisor = field(r, "supervisor");
  const term* child = field(r, "id");
  const term* context = field(r, "errorContext");
  const term* action = field(r, "action");
  std::string text = fmt::format(
      "supervisor {}: child {} {}", supervisor != nullptr ? as_text(*supervisor, limit) : "?",
      child != nullptr ? as_text(*child, limit) : "?", context != nullptr ? as_text(*context, limit) : "");
  text += ": " + why(r.reason, limit);
  if (action != nullptr) {
    auto plain = action->as_atom();
    text += "; " + (plain ? std::string(plain->name()) : as_text(*action, limit));
  }
  return text;
}

std::string handler_headline(const report& r, std::size_t limit) {
  const term* handler = field(r, "handler");
  return fmt::format("handler {} of {} ended: {}", handler != nullptr ? as_text(*handler, limit) : "?",
                     who(r, limit), why(r.reason, limit));
}

std::string timestamp(std::chrono::system_clock::time_point at, char between) {
  auto day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day date{day};
  std::chrono::hh_mm_ss time{std::chrono::floor<std::chrono::milliseconds>(at - day)};
  return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), between,
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

std::string_view colour_of(severity level) {
  switch (level) {
  case severity::debug: return "\x1b[2m";
  case severity::info: return "\x1b[32m";
  case severity::notice: return "\x1b[36m";
  case severity::warning: return "\x1b[33m";
  case severity::error: return "\x1b[31m";
  case severity::critical: return "\x1b[1;31m";
  }
  return "";
}

std::vector<std::string> frames_of(const report& r) {
  if (r.reason.details() == nullptr || r.reason.details()->frames.empty()) return {};
  std::vector<std::string> frames = r.reason.details()->stack();
  if (frames.size() > max_frames) frames.resize(max_frames);
  return frames;
}

void add_line(std::string& out, std::string_view name, std::string_view text) {
  fmt::format_to(std::back_inserter(out), "    {:<14}{}\n", name, text);
}

} // namespace

std::string_view to_string(severity level) noexcept {
  switch (level) {
  case severity::debug: return "debug";
  case severity::info: return "info";
  case severity::notice: return "notice";
  case severity::warning: return "warning";
  case severity::error: return "error";
  case severity::critical: return "critical";
  }
  return "unknown";
}

std::string headline(const report& r, std::size_t limit) {
  if (r.kind == "crash_report") return who(r, limit) + " ended: " + why(r.reason, limit);
  if (r.kind == "gen_event_crash") return handler_headline(r, limit);
  if (r.kind == "supervisor_report") return supervisor_headline(r, limit);
  if (r.kind == "progress") {
    const term* supervisor = field(r, "supervisor");
    const term* child = field(r, "id");
    const term* process = field(r, "pid");
    return fmt::format("supervisor {} started {}{}",
                       supervisor != nullptr ? as_text(*supervisor, limit) : "?",
                       child != nullptr ? as_text(*child, limit) : "?",
                       process != nullptr ? " as " + as_text(*process, limit) : "");
  }
  std::string text = on_one_line(r.kind, limit);
  if (r.process) text += " in " + who(r, limit);
  if (!r.reason.is_normal()) text += ": " + why(r.reason, limit);
  return text;
}

std::string render_text(const log_entry& entry, const render_options& options) {
  const report& r = entry.report;
  std::string level(to_string(r.level));
  if (options.colour) level = fmt::format("{}{}\x1b[0m", colour_of(r.level), level);
  std::string out =
      fmt::format("{} [{}] {}\n", timestamp(entry.at, ' '), level, headline(r, options.term_limit));
  if (entry.dropped > 0) {
    add_line(out, "repeated", fmt::format("{} times more, not shown", entry.dropped));
  }
  if (r.kind == "progress") return out;
  if (r.process) add_line(out, "process", as_text(r.process, options.term_limit));
  for (const auto& [name, value] : r.fields) {
    add_line(out, on_one_line(name, options.term_limit), as_text(value, options.term_limit));
  }
  if (!r.reason.is_normal()) add_line(out, "reason", as_text(r.reason.value(), options.term_limit));
  std::string_view name = "stack";
  for (const std::string& frame : frames_of(r))
    add_line(out, std::exchange(name, ""), on_one_line(frame, options.term_limit));
  return out;
}

std::string render_json(const log_entry& entry, const render_options& options) {
  const report& r = entry.report;
  const std::size_t limit = options.term_limit;
  std::string out = fmt::format(R"({{"time":"{}","level":"{}","kind":{})", timestamp(entry.at, 'T'),
                                to_string(r.level), json_string(r.kind, limit));
  if (r.process) out += R"(,"process":)" + json_string(as_text(r.process, limit));
  out += R"(,"text":)" + json_string(headline(r, limit));
  out += R"(,"fields":{)";
  bool first = true;
  for (const auto& [name, value] : r.fields) {
    if (!std::exchange(first, false)) out += ',';
    out += json_string(name, limit) + ':' + json_value(value, limit);
  }
  out += '}';
  if (!r.reason.is_normal()) out += R"(,"reason":)" + json_string(as_text(r.reason.value(), limit));
  if (const crash_details* d = r.reason.details()) {
    out += fmt::format(R"(,"exception":{{"type":{},"text":{}}})", json_string(d->type, limit),
                       json_string(d->text, limit));
    std::string frames;
    for (const std::string& frame : frames_of(r)) {
      frames += (frames.empty() ? "" : ",") + json_string(frame, limit);
    }
    out += R"(,"stack":[)" + frames + ']';
  }
  if (entry.dropped > 0) out += fmt::format(R"(,"dropped":{})", entry.dropped);
  out += "}\n";
  return out;
}

} // namespace coppice::detail
