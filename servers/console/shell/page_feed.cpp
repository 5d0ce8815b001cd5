#include "servers/console/shell/page_feed.hpp"

#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"
#include "servers/web/guard.hpp"

#include <utility>
#include <variant>

namespace coppice::console {
namespace {

constexpr std::size_t content_limit = 300; ///< bytes of a traced message

constexpr auto bad_frame = static_cast<http::close_code>(4400);
constexpr auto no_hello = static_cast<http::close_code>(4401);
constexpr auto bad_token = static_cast<http::close_code>(4403);
constexpr farewell malformed{bad_frame, "a frame is malformed"};

std::expected<page_frame, std::string> frame_of(const http::websocket_message& message) {
  if (!message.is_text) return std::unexpected("a frame must be text");
  return parse_frame(message.data);
}

const char* name_of(trace_kind what) noexcept {
  switch (what) {
  case trace_kind::send: return "send";
  case trace_kind::send_to_non_existing_process: return "send to the dead";
  case trace_kind::receive: return "receive";
  case trace_kind::spawn: return "spawn";
  case trace_kind::spawned: return "spawned";
  case trace_kind::exit: return "exit";
  case trace_kind::link: return "link";
  case trace_kind::unlink: return "unlink";
  case trace_kind::register_name: return "register";
  case trace_kind::unregister_name: return "unregister";
  }
  return "";
}

trace_line line_of(const trace_event& e, std::chrono::system_clock::time_point wall, time_point present) {
  trace_line line;
  const auto at = wall - (present - e.at);
  line.at = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  line.what = name_of(e.what);
  if (e.other) line.other = relative_of(e.other);
  // Spawns and links have nothing to say beside with whom.
  const bool bare = e.what == trace_kind::spawn || e.what == trace_kind::spawned ||
                    e.what == trace_kind::link || e.what == trace_kind::unlink;
  if (!bare) line.content = to_string(e.content, {.limit = content_limit, .unicode = true});
  return line;
}

std::string refuse_state(pid process, std::string why) {
  return write_state(process, std::unexpected(std::move(why)));
}

} // namespace

farewell no_hello_in_time() noexcept { return {no_hello, "no hello in time"}; }

std::expected<hello, farewell> greet(const http::websocket_message& first, const std::string& token) {
  std::expected<page_frame, std::string> frame = frame_of(first);
  if (!frame) return std::unexpected(malformed);
  hello* h = std::get_if<hello>(&*frame);
  if (h == nullptr) return std::unexpected(farewell{no_hello, "the first frame must be hello"});
  if (!web::equal_in_constant_time(h->token, token))
    return std::unexpected(farewell{bad_token, "wrong token"});
  return std::move(*h);
}

page_feed::page_feed(pid process, std::shared_ptr<archive> kept, const hello& greeting)
    : process_(process), kept_(std::move(kept)), last_report_(greeting.reports),
      last_point_(greeting.points) {
  watch_.tree.emplace();
}

page_feed::~page_feed() {
  if (inspector_) exit(inspector_, exit_reason::kill());
}

void page_feed::look() {
  set_timer(sampler_patience); // it may be started anew
  const std::optional<pid> sampler = whereis(atom(sampler::name));
  if (!sampler) { // it is being restarted
    set_timer(period);
    return;
  }
  cast<look_wanted>(server_ref<console::sampler>(server_name(*sampler)), process_, ++number_,
                    watch_.tree.has_value(), watch_.list);
  if (watch_.process && !inspector_) {
    asked_ = now();
    inspector_ = spawn(inspect_for, process_, watch_.process, ++inspection_);
  }
}

std::string page_feed::take(tick) {
  look();
  return tap_ ? take_trace() : std::string();
}

void page_feed::set_timer(duration after) {
  if (due_) cancel_timer(due_);
  due_ = send_after(after, process_, tick());
}

std::string page_feed::take(const http::websocket_message& message) {
  std::expected<page_frame, std::string> frame = frame_of(message);
  if (!frame || std::holds_alternative<hello>(*frame)) {
    leaving_ = malformed;
    return {};
  }
  if (const auto* s = std::get_if<state_wanted>(&*frame)) return want_state(s->process);
  if (const auto* t = std::get_if<trace_wanted>(&*frame)) return want_trace(*t);
  const pid before = watch_.process;
  watch_ = std::move(std::get<watch>(*frame));
  if (watch_.process != before) leave_process();
  look();
  return {};
}

/// The page looks at another process, or at none: what was asked and traced is put aside.
void page_feed::leave_process() {
  if (inspector_) exit(inspector_, exit_reason::kill());
  inspector_ = pid();
  ++inspection_;
  inside_.reset();
  tap_.reset();
}

std::string page_feed::take(const looked& l) {
  if (l.number != number_) return {}; // the page looks at something else by now
  set_timer(period);
  const sample& look = *l.what;
  snapshot s;
  s.at = look.at;
  s.node = &look.node;
  selection tree;
  if (watch_.tree && look.processes != nullptr) {
    tree = select(*look.processes, *watch_.tree);
    s.tree = &tree;
  }
  if (look.list) s.list = &*look.list;
  process_page one;
  if (watch_.process) {
    one = page_of(*kept_, watch_.process);
    if (inside_) one.inside = inside_of(*inside_);
    if (inspector_)
      one.silent = std::chrono::duration_cast<std::chrono::milliseconds>(now() - asked_).count();
    s.process = &one;
  }
  const std::vector<point> points = kept_->past.since(last_point_);
  if (!points.empty()) last_point_ = points.back().at;
  s.points = points;
  const std::vector<log_entry> reports = kept_->seen.log().since(last_report_, reports_at_once);
  if (!reports.empty()) last_report_ = reports.back().seq;
  s.reports = reports;
  return write_snapshot(s);
}

std::string page_feed::take(const inspected& i) {
  if (i.number != inspection_) return {};
  const bool first = !inside_;
  inspector_ = pid();
  if (i.found) inside_ = *i.found;
  if (first && i.found) look(); // the page has waited for it
  return {};
}

// --- state ---

std::string page_feed::want_state(pid process) {
  if (reading_) return refuse_state(process, "The state of a process is being read already.");
  if (!kept_->shows_state) return refuse_state(process, "This node does not show states.");
  const process_page page = page_of(*kept_, process);
  if (!page.alive) return refuse_state(process, "It is dead.");
  if (!page.has_state)
    return refuse_state(process, "It is no process of a behaviour: it keeps its state to itself.");
  reading_ = true;
  spawn(read_state_for, process_, process);
  return {};
}

std::string page_feed::take(const state_read& s) {
  reading_ = false;
  if (!s.problem.empty()) return refuse_state(s.process, s.problem);
  return write_state(s.process, s.text);
}

// --- trace ---

std::string page_feed::want_trace(const trace_wanted& t) {
  if (!t.on) {
    tap_.reset();
    return write_trace(t.process, {}, false, "stopped");
  }
  if (!kept_->shows_state) return write_trace(t.process, {}, false, "This node does not show messages.");
  if (t.process != watch_.process) return write_trace(t.process, {}, false, "The page does not look at it.");
  if (tap_) return {};
  if (!is_process_alive(t.process)) return write_trace(t.process, {}, false, "It is dead.");
  if (!kept_->traced.add(t.process)) return write_trace(t.process, {}, false, "Another page traces it.");
  tap_.emplace(this_node(), std::shared_ptr<traced_processes>(kept_, &kept_->traced), t.process);
  tapped_ = now();
  return write_trace(t.process, {}, false, {});
}

std::string page_feed::take_trace() {
  const pid process = tap_->process();
  const trace_tap::catch_of caught = tap_->take();
  const auto wall = this_node().time().system_now();
  std::vector<trace_line> lines;
  lines.reserve(caught.events.size());
  for (const trace_event& e : caught.events) lines.push_back(line_of(e, wall, now()));
  std::string ended;
  if (!is_process_alive(process)) {
    ended = "it has ended";
  } else if (now() - tapped_ > longest_trace) {
    ended = "stopped after five minutes";
  }
  if (!ended.empty()) tap_.reset();
  if (lines.empty() && ended.empty()) return {};
  return write_trace(process, lines, caught.paused, ended);
}

} // namespace coppice::console
