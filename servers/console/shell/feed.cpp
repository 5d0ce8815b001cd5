#include "servers/console/shell/feed.hpp"

#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/inspector.hpp"
#include "servers/console/shell/sampler.hpp"
#include "servers/web/guard.hpp"

#include <expected>
#include <fmt/format.h>
#include <utility>
#include <variant>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;

constexpr duration hello_within = 10s;
constexpr duration period = 1s;
constexpr duration sampler_patience = 5s; ///< then it is asked again: it may have been started anew
constexpr std::size_t reports_at_once = 100;
constexpr std::size_t content_limit = 300; ///< bytes of a traced message
constexpr duration longest_trace = 5min;

constexpr auto bad_frame = static_cast<http::close_code>(4400);
constexpr auto no_hello = static_cast<http::close_code>(4401);
constexpr auto bad_token = static_cast<http::close_code>(4403);

/// The page has not said hello in time.
struct hello_is_late {};
/// It is time for a snapshot.
struct tick {};

using event =
    std::variant<http::websocket_message, http::websocket_closed, tick, looked, inspected, state_read>;

std::expected<page_frame, std::string> frame_of(const http::websocket_message& message) {
  if (!message.is_text) return std::unexpected("a frame must be text");
  return parse_frame(message.data);
}

/// What the page's first event amounts to: its hello, or nothing, and the WebSocket is closing then.
std::optional<hello>
greet(http::websocket& page,
      const std::variant<http::websocket_message, http::websocket_closed, hello_is_late>& first,
      const std::string& token) {
  const auto* message = std::get_if<http::websocket_message>(&first);
  if (message == nullptr) {
    page.close(no_hello, "no hello in time");
    return std::nullopt;
  }
  std::expected<page_frame, std::string> frame = frame_of(*message);
  if (!frame) {
    page.close(bad_frame, "a frame is malformed");
    return std::nullopt;
  }
  hello* h = std::get_if<hello>(&*frame);
  if (h == nullptr) {
    page.close(no_hello, "the first frame must be hello");
    return std::nullopt;
  }
  if (!web::equal_in_constant_time(h->token, token)) {
    page.close(bad_token, "wrong token");
    return std::nullopt;
  }
  return std::move(*h);
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

class feed {
public:
  feed(http::websocket& page, std::shared_ptr<archive> kept, const hello& greeting)
      : page_(page), kept_(std::move(kept)), last_report_(greeting.reports), last_point_(greeting.points) {
    watch_.tree.emplace();
  }
  ~feed() {
    if (inspector_) exit(inspector_, exit_reason::kill());
  }
  feed(const feed&) = delete;
  feed& operator=(const feed&) = delete;

  /// Asks for the next look; it is sent when it comes.
  void look() {
    set_timer(sampler_patience);
    const std::optional<pid> sampler = whereis(atom(sampler::name));
    if (!sampler) { // it is being restarted
      set_timer(period);
      return;
    }
    cast<look_wanted>(server_ref<console::sampler>(server_name(*sampler)), page_.process(), ++number_,
                      watch_.tree.has_value(), watch_.list);
    if (watch_.process && !inspector_) {
      asked_ = now();
      inspector_ = spawn(inspect_for, page_.process(), watch_.process, ++inspection_);
    }
  }

  /// What is to be sent; an empty text: nothing. Closes the WebSocket if the page breaks the protocol.
  std::string take(const event& e) {
    if (const auto* m = std::get_if<http::websocket_message>(&e)) return take_frame(*m);
    if (const auto* l = std::get_if<looked>(&e)) return take_look(*l);
    if (const auto* i = std::get_if<inspected>(&e)) return take_inspection(*i);
    if (const auto* s = std::get_if<state_read>(&e)) return take_state(*s);
    look(); // a tick
    return tap_ ? take_trace() : std::string();
  }

private:
  void set_timer(duration after) {
    if (due_) cancel_timer(due_);
    due_ = send_after(after, page_.process(), tick());
  }

  std::string take_frame(const http::websocket_message& message) {
    std::expected<page_frame, std::string> frame = frame_of(message);
    if (!frame || std::holds_alternative<hello>(*frame)) {
      page_.close(bad_frame, "a frame is malformed");
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
  void leave_process() {
    if (inspector_) exit(inspector_, exit_reason::kill());
    inspector_ = pid();
    ++inspection_;
    inside_.reset();
    tap_.reset();
  }

  std::string take_look(const looked& l) {
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

  std::string take_inspection(const inspected& i) {
    if (i.number != inspection_) return {};
    const bool first = !inside_;
    inspector_ = pid();
    if (i.found) inside_ = *i.found;
    if (first && i.found) look(); // the page has waited for it
    return {};
  }

  // --- state ---

  std::string want_state(pid process) {
    if (reading_) return refuse_state(process, "The state of a process is being read already.");
    if (!kept_->shows_state) return refuse_state(process, "This node does not show states.");
    const process_page page = page_of(*kept_, process);
    if (!page.alive) return refuse_state(process, "It is dead.");
    if (!page.has_state)
      return refuse_state(process, "It is no process of a behaviour: it keeps its state to itself.");
    reading_ = true;
    spawn(read_state_for, page_.process(), process);
    return {};
  }
  static std::string refuse_state(pid process, std::string why) {
    return write_state(process, std::unexpected(std::move(why)));
  }
  std::string take_state(const state_read& s) {
    reading_ = false;
    if (!s.problem.empty()) return refuse_state(s.process, s.problem);
    return write_state(s.process, s.text);
  }

  // --- trace ---

  std::string want_trace(const trace_wanted& t) {
    if (!t.on) {
      tap_.reset();
      return write_trace(t.process, {}, false, "stopped");
    }
    if (!kept_->shows_state) return write_trace(t.process, {}, false, "This node does not show messages.");
    if (t.process != watch_.process)
      return write_trace(t.process, {}, false, "The page does not look at it.");
    if (tap_) return {};
    if (!is_process_alive(t.process)) return write_trace(t.process, {}, false, "It is dead.");
    if (!kept_->traced.add(t.process)) return write_trace(t.process, {}, false, "Another page traces it.");
    tap_.emplace(this_node(), std::shared_ptr<traced_processes>(kept_, &kept_->traced), t.process);
    tapped_ = now();
    return write_trace(t.process, {}, false, {});
  }

  std::string take_trace() {
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

  http::websocket& page_;
  std::shared_ptr<archive> kept_;
  std::uint64_t last_report_;
  std::int64_t last_point_;
  watch watch_;
  std::uint64_t number_ = 0; ///< of the latest look
  reference due_;
  pid inspector_; ///< asks the process that the page looks at; none: it has told
  std::uint64_t inspection_ = 0;
  time_point asked_{};
  std::optional<process_details> inside_;
  bool reading_ = false;
  std::optional<trace_tap> tap_;
  time_point tapped_{};
};

} // namespace

task<> serve_feed(http::request&, http::websocket& page, std::shared_ptr<archive> kept, std::string token) {
  set_label("console:feed");
  const reference late = send_after(hello_within, page.process(), hello_is_late());
  std::variant<http::websocket_message, http::websocket_closed, hello_is_late> first =
      co_await page.receive<hello_is_late>();
  cancel_timer(late);
  if (std::holds_alternative<http::websocket_closed>(first)) co_return;
  std::optional<hello> greeting = greet(page, first, token);
  if (!greeting) co_return;
  feed all(page, std::move(kept), *greeting);
  all.look();
  while (page.is_open()) {
    event next = co_await page.receive<tick, looked, inspected, state_read>();
    if (std::holds_alternative<http::websocket_closed>(next)) co_return;
    const std::string text = all.take(next);
    if (text.empty()) continue;
    const bool sent = co_await page.send_text(text);
    if (!sent) co_return;
  }
}

} // namespace coppice::console
