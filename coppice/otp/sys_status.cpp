#include "coppice/otp/sys_status.hpp"

#include "coppice/term/text.hpp"

#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coppice {

using namespace literals;

namespace {

using wall_time = std::chrono::system_clock::time_point;

/// A line of a status: `{"Parent", <0.9.0>}`.
term line(std::string_view name, term value) { return term::tuple(term::charlist(name), std::move(value)); }

// --- times ---

/// `{{Year, Month, Day}, {Hour, Minute, Second}}` of the local time.
term date_time(wall_time at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm local{};
  localtime_r(&seconds, &local);
  return term::tuple(term::tuple(local.tm_year + 1900, local.tm_mon + 1, local.tm_mday),
                     term::tuple(local.tm_hour, local.tm_min, local.tm_sec));
}

/// The three numbers of a date or of a time, each from `least` to its greatest.
bool read_three(const term& t, std::span<int* const, 3> into, std::span<const int, 3> least,
                std::span<const int, 3> greatest) {
  if (!t.is_tuple(3)) return false;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::optional<std::int64_t> number = t.elements()[i].as_int64();
    if (!number || *number < least[i] || *number > greatest[i]) return false;
    *into[i] = static_cast<int>(*number);
  }
  return true;
}

std::optional<wall_time> read_date_time(const term& t) {
  constexpr int first_day[] = {1970, 1, 1};
  constexpr int last_day[] = {2200, 12, 31}; // nanoseconds in 64 bits end in 2262
  constexpr int midnight[] = {0, 0, 0};
  constexpr int last_second[] = {23, 59, 59};
  std::tm local{};
  local.tm_isdst = -1;
  int* const date[] = {&local.tm_year, &local.tm_mon, &local.tm_mday};
  int* const time[] = {&local.tm_hour, &local.tm_min, &local.tm_sec};
  if (!t.is_tuple(2) || !read_three(t.elements()[0], date, first_day, last_day) ||
      !read_three(t.elements()[1], time, midnight, last_second)) {
    return std::nullopt;
  }
  local.tm_year -= 1900;
  local.tm_mon -= 1;
  return std::chrono::system_clock::from_time_t(std::mktime(&local));
}

// --- the status in the behaviours' own forms ---

/// What a behaviour writes before the name, and how it calls the kept events.
struct wording {
  std::string_view header;
  std::string_view log;
};

wording wording_of(const atom& module) {
  if (module == "gen_statem"_atom) return {"Status for state machine", "Logged Events"};
  if (module == "gen_event"_atom) return {"Status for event handler", "Logged Events"};
  return {"Status for generic server", "Logged events"};
}

/// A pid in brackets, as it ends a header.
bool is_bracketed(std::string_view name) { return name.front() == '<' && name.back() == '>'; }

/// A text, as OTP writes it, if the name can be read from that again; else OTP's other form, a tuple.
term header_of(const sys::status& s, std::string_view title) {
  std::string name;
  if (s.name == term(s.process)) name = to_string(s.name);
  if (s.name.is_atom()) name = s.name.as_atom()->name();
  if (name.empty() || (s.name.is_atom() && is_bracketed(name))) {
    return term::tuple(term::charlist(title), s.name);
  }
  return term::charlist(std::string(title) + " " + name);
}

/// `[{handler, Module, Id, State, Supervised}]` from `[{Module, Id, State}]`. Who supervises is not told.
term handlers_of(const term& state) {
  std::vector<term> all;
  for (const term& h : state.items()) {
    if (!h.is_tuple(3)) continue;
    const auto e = h.elements();
    all.push_back(term::tuple("handler"_atom, e[0], e[1], e[2], false));
  }
  return term::list_from(std::move(all));
}

term misc_of(const sys::status& s, const term& running, const term& parent) {
  const wording words = wording_of(s.module);
  std::vector<term> lines = {line("Status", running), line("Parent", parent)};
  if (s.module == "gen_statem"_atom) lines.push_back(line("Modules", term::list(s.callback)));
  // OTP's gen_event says it before the parent, the others last.
  lines.insert(s.module == "gen_event"_atom ? lines.begin() + 1 : lines.end(),
               line(words.log, term::list_from(s.log)));
  if (s.hibernating) lines.push_back(line("Hibernating", true));
  std::vector<term> misc = {term::tuple("header"_atom, header_of(s, words.header)),
                            term::tuple("data"_atom, term::list_from(std::move(lines)))};
  if (s.module == "gen_event"_atom) {
    misc.push_back(term::tuple("items"_atom, line("Installed handlers", handlers_of(s.state))));
  } else {
    misc.push_back(term::tuple("data"_atom, term::list(line("State", s.state))));
  }
  if (s.module == "supervisor"_atom) {
    misc.push_back(term::tuple("supervisor"_atom, term::list(line("Callback", s.callback))));
  }
  return term::list_from(std::move(misc));
}

// --- and back ---

/// The name at the end of a header, after the words that every behaviour begins with.
term name_in(const term& header, pid process) {
  if (header.is_tuple(2)) return header.elements()[1];
  const std::string text = header.as_text().value_or("");
  for (const char* module : {"gen_server", "gen_statem", "gen_event"}) {
    const std::string_view title = wording_of(atom(module)).header;
    if (!text.starts_with(title) || text.size() <= title.size() + 1) continue;
    const std::string_view name = std::string_view(text).substr(title.size() + 1);
    if (is_bracketed(name)) return process;
    if (auto known = atom::from_peer(name)) return *known;
  }
  return process;
}

struct reader {
  sys::status s;
  bool has_state = false;

  void take_line(const term& entry) {
    if (!entry.is_tuple(2)) return;
    const std::string name = entry.elements()[0].as_text().value_or("");
    const term& value = entry.elements()[1];
    if (name == "State") {
      s.state = value;
      has_state = true;
    } else if (name == "Logged events" || name == "Logged Events") {
      s.log.assign(value.items().begin(), value.items().end());
    } else if (name == "Modules" && value.is_list() && !value.is_nil()) {
      s.callback = value.head().as_atom().value_or(atom());
    } else if (name == "Callback") {
      s.callback = value.as_atom().value_or(atom());
    } else if (name == "Hibernating") {
      s.hibernating = value.as_bool().value_or(false);
    } else if (name == "Installed handlers") {
      take_handlers(value);
    }
  }

  void take_handlers(const term& handlers) {
    std::vector<term> all;
    for (const term& h : handlers.items()) {
      if (!h.is_tagged("handler"_atom, 5)) continue;
      const auto e = h.elements();
      all.push_back(term::tuple(e[1], e[2], e[3]));
    }
    s.state = term::list_from(std::move(all));
    has_state = true;
  }

  /// What a `format_status` of the user's, or a process that is no behaviour, tells is the state as it
  /// stands.
  void take_misc(const term& misc) {
    for (const term& part : misc.items()) {
      if (!part.is_tuple(2)) continue;
      const term& value = part.elements()[1];
      if (part.is_tagged("header"_atom, 2)) s.name = name_in(value, s.process);
      if (part.is_tagged("supervisor"_atom, 2)) s.module = "supervisor"_atom;
      if (part.is_tagged("items"_atom, 2)) take_line(value);
      for (const term& entry : value.items()) take_line(entry);
    }
    if (!has_state) s.state = misc;
  }

  /// A gen_server's callback module stands in its dictionary alone.
  void take_initial_call() {
    for (const term& entry : s.dictionary.items()) {
      if (!entry.is_tagged("$initial_call"_atom, 2) || !s.callback.empty()) continue;
      const term& call = entry.elements()[1];
      if (call.is_tuple(3) && call.elements()[1].is_atom("init"_atom)) {
        s.callback = call.elements()[0].as_atom().value_or(atom());
      }
    }
  }
};

} // namespace

term describe<sys::statistics>::to(const sys::statistics& s) {
  return term::list(term::tuple("start_time"_atom, date_time(s.start_time)),
                    term::tuple("current_time"_atom, date_time(s.current_time)),
                    term::tuple("reductions"_atom, s.reductions),
                    term::tuple("messages_in"_atom, s.messages_in),
                    term::tuple("messages_out"_atom, s.messages_out));
}

std::expected<sys::statistics, decode_error> describe<sys::statistics>::from(const term& t) {
  sys::statistics s;
  std::size_t found = 0;
  auto take_time = [&found](const term& entry, const atom& key, wall_time& into) {
    if (!entry.is_tagged(key, 2)) return;
    if (auto at = read_date_time(entry.elements()[1])) {
      into = *at;
      ++found;
    }
  };
  auto take_count = [&found](const term& entry, const atom& key, std::uint64_t& into) {
    if (!entry.is_tagged(key, 2)) return;
    if (auto n = from_term<std::uint64_t>(entry.elements()[1])) {
      into = *n;
      ++found;
    }
  };
  for (const term& entry : t.items()) {
    take_time(entry, "start_time"_atom, s.start_time);
    take_time(entry, "current_time"_atom, s.current_time);
    take_count(entry, "reductions"_atom, s.reductions);
    take_count(entry, "messages_in"_atom, s.messages_in);
    take_count(entry, "messages_out"_atom, s.messages_out);
  }
  if (found < 5) return std::unexpected(mismatch("the list of five figures of sys:statistics/2", t));
  return s;
}

term describe<sys::status>::to(const sys::status& s) {
  const term running = s.suspended ? "suspended"_atom : "running"_atom;
  const term parent = s.parent ? s.parent : s.process; // OTP: who was started without a link is its own
  const atom module = s.module == "supervisor"_atom ? "gen_server"_atom : s.module;
  return term::tuple("status"_atom, s.process, term::tuple("module"_atom, module),
                     term::list(s.dictionary, running, parent, term(), misc_of(s, running, parent)));
}

std::expected<sys::status, decode_error> describe<sys::status>::from(const term& t) {
  constexpr const char* shape = "{status, Pid, {module, Module}, [PDict, SysState, Parent, Debug, Misc]}";
  if (!t.is_tagged("status"_atom, 4)) return std::unexpected(mismatch(shape, t));
  const auto e = t.elements();
  const bool fits = e[1].is_pid() && e[2].is_tagged("module"_atom, 2) && e[2].elements()[1].is_atom();
  if (!fits || e[3].length() != 5U) return std::unexpected(mismatch(shape, t));
  std::vector<term> parts(e[3].items().begin(), e[3].items().end());
  reader r;
  r.s.process = *e[1].as_pid();
  r.s.module = *e[2].elements()[1].as_atom();
  r.s.name = r.s.process;
  r.s.dictionary = std::move(parts[0]);
  r.s.suspended = parts[1].is_atom("suspended"_atom);
  r.s.parent = parts[2].as_pid().value_or(pid());
  if (r.s.parent == r.s.process) r.s.parent = pid();
  r.take_misc(parts[4]);
  r.take_initial_call();
  return std::move(r.s);
}

} // namespace coppice
