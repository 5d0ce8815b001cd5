#include "servers/chat/shell/connection.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/chat/shell/directory.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/session.hpp"

#include <algorithm>

namespace coppice::chat {
namespace {

constexpr double frames_per_second = 50;
constexpr double frames_at_once = 200;
constexpr duration hello_within = std::chrono::seconds(10);
constexpr std::int64_t retry_after = 1000; // milliseconds

} // namespace

connection::connection(chat c, self process)
    : chat_(std::move(c)), me_(process), allowance_(frames_per_second, frames_at_once) {}

void connection::start() {
  set_label("connection:?");
  set_mailbox_limit(most_waiting, overflow::kill);
  send_after(hello_within, me_, hello_timeout());
}

// --- frames ---

task<> connection::take_frame(std::string text) {
  if (closing_) co_return;
  auto asked = frames::parse(text);
  if (user_.empty()) {
    if (!asked && !asked.error().unknown_type) {
      close("bad_frame", std::move(asked.error().text), close_reason::bad_frame);
    } else if (!asked || !std::holds_alternative<frames::hello>(*asked)) {
      close("not_signed_in", "The first frame must be a hello.", close_reason::not_signed_in);
    } else {
      co_await enter(std::get<frames::hello>(std::move(*asked)));
    }
    co_return;
  }
  const bool allowed = allowance_.take(now());
  if (!asked) {
    if (!asked.error().unknown_type) {
      close("bad_frame", std::move(asked.error().text), close_reason::bad_frame);
    } else {
      say_error({"unknown_type", std::move(asked.error().text), "", ""});
    }
  } else if (!allowed) {
    too_fast(*asked);
  } else {
    co_await answer(std::move(*asked));
  }
}

task<> connection::answer(frames::request asked) {
  if (auto* sent = std::get_if<frames::send>(&asked)) {
    co_await post(std::move(*sent));
  } else if (auto* seen = std::get_if<frames::ack>(&asked)) {
    co_await acknowledge(*seen);
  } else if (auto* entered = std::get_if<frames::join>(&asked)) {
    co_await join(std::move(*entered));
  } else if (auto* left = std::get_if<frames::leave>(&asked)) {
    co_await leave(std::move(*left));
  } else if (auto* alive = std::get_if<frames::ping>(&asked)) {
    output_.push_back(frames::pong_to_json(alive->n));
  } else if (std::holds_alternative<frames::who>(asked)) {
    co_await tell_who();
  } else {
    close("bad_frame", "There was a hello already.", close_reason::bad_frame);
  }
}

task<> connection::enter(frames::hello h) {
  open_mailbox request{h.user};
  auto opened = co_await ask_store(std::move(request));
  if (!opened) {
    come_back();
    co_return;
  }
  if (!*opened) {
    const refusal why = opened->error();
    close(frames::code_of(why), std::string(frames::text_of(why)),
          why == refusal::bad_name ? close_reason::bad_name : close_reason::refused);
    co_return;
  }
  user_ = h.user;
  set_label("connection:" + user_);
  chat_.read([&](const chat_table& t) {
    epoch_ = t.epoch();
    const mailbox_state box = t.state_of(user_).value_or(mailbox_state());
    const bool resumes = h.resume && t.knows(user_, h.resume->epoch, h.resume->seq);
    shown_ = resumes ? std::min(h.resume->seq, box.last) : box.acked;
  });
  online_list present = co_await enter_directory();
  if (closing_) co_return;
  co_await attach_session();
  // Read after the session has begun to tell of changes, so that none is missed.
  if (!closing_) greet(std::move(present));
}

void connection::greet(online_list present) {
  struct view {
    std::uint64_t last;
    std::vector<room_entry> rooms;
    std::vector<room_entry> own;
  };
  const view seen = chat_.read([this](const chat_table& t) {
    return view{t.state_of(user_).value_or(mailbox_state()).last, t.rooms(), t.rooms_of(user_)};
  });
  output_.push_back(frames::to_json(frames::welcome{user_, chat_.settings().node_name, epoch_, seen.last,
                                                    std::move(present.users), present.total}));
  output_.push_back(frames::rooms_to_json(seen.rooms, user_));
  for (const room_entry& r : seen.own) output_.push_back(frames::room_to_json(r.room, r.members));
}

task<online_list> connection::enter_directory() {
  directory_lost_ = true;
  const std::optional<pid> there = the_directory().resolve();
  if (there) {
    sign_in request{user_, me_};
    std::expected<std::optional<online_list>, exit_reason> entered =
        co_await try_call<sign_in>(the_directory(), within(patience), moved(request));
    if (entered && !*entered) {
      close("too_many_devices", "You are signed in on as many devices as there may be: sign out on one.",
            close_reason::refused);
      co_return online_list();
    }
    if (entered) {
      directory_lost_ = false;
      directory_monitor_ = monitor(*there);
      co_return std::move(**entered);
    }
  }
  try_again_soon(); // it tells us who is online when it is back
  co_return online_list();
}

task<> connection::attach_session() {
  session_lost_ = true;
  std::optional<pid> found = co_await find_session(user_);
  if (found) {
    const server_ref<session> there{server_name(*found)};
    std::expected<ok, exit_reason> attached =
        co_await try_call<attach>(there, within(patience), me_.id(), shown_);
    if (chat_.read([](const chat_table& t) { return t.epoch(); }) != epoch_) {
      come_back(); // the session counts by other numbers than the client
      co_return;
    }
    if (attached) {
      session_lost_ = false;
      session_monitor_ = monitor(*found);
      co_return;
    }
  }
  try_again_soon();
}

task<> connection::post(frames::send m) {
  const std::string id = m.id;
  const std::string to = m.to;
  post_message request{user_, std::move(m.id), std::move(m.to), std::move(m.text)};
  auto done = co_await ask_store(std::move(request));
  if (!done) {
    unavailable(id, "");
  } else if (!*done) {
    refuse(done->error(), id, "");
  } else {
    output_.push_back(frames::to_json(frames::accepted{id, to, (*done)->at, (*done)->recipients}));
  }
}

task<> connection::acknowledge(frames::ack m) {
  ack_events request{user_, m.seq, epoch_};
  std::optional<ok> done = co_await ask_store(std::move(request));
  if (!done) unavailable("", "");
}

task<> connection::join(frames::join m) {
  const std::string room = m.room;
  join_room request{user_, std::move(m.room)};
  auto done = co_await ask_store(std::move(request));
  if (!done) {
    unavailable("", room);
  } else if (!*done) {
    refuse(done->error(), "", room);
  } else {
    output_.push_back(frames::room_to_json(room, **done));
  }
}

task<> connection::leave(frames::leave m) {
  const std::string room = m.room;
  leave_room request{user_, std::move(m.room)};
  auto done = co_await ask_store(std::move(request));
  if (!done) {
    unavailable("", room);
  } else if (!*done) {
    refuse(done->error(), "", room);
  } else {
    // The session tells the user's other connections, and this one again: it may be dead just now.
    output_.push_back(frames::left_to_json(room));
  }
}

task<> connection::tell_who() {
  std::expected<online_list, exit_reason> list =
      co_await try_call<who_is_online>(the_directory(), within(patience));
  if (list) {
    output_.push_back(frames::to_json(frames::online{std::move(list->users), list->total}));
  } else {
    unavailable("", "");
  }
}

// --- news ---

task<> connection::take_news(connection_news news) {
  if (closing_) co_return;
  if (auto* events = std::get_if<deliver>(&news)) {
    show(*events);
  } else if (auto* room = std::get_if<room_news>(&news)) {
    output_.push_back(frames::room_to_json(room->room, room->members));
  } else if (auto* left = std::get_if<left_news>(&news)) {
    output_.push_back(frames::left_to_json(left->room));
  } else if (auto* one = std::get_if<presence_news>(&news)) {
    output_.push_back(frames::to_json(frames::presence{one->user, one->online}));
  } else if (auto* all = std::get_if<online_news>(&news)) {
    output_.push_back(frames::to_json(frames::online{all->list->users, all->list->total}));
  } else if (auto* rooms = std::get_if<rooms_news>(&news)) {
    output_.push_back(frames::rooms_to_json(*rooms->rooms, user_));
  } else if (auto* ended = std::get_if<down>(&news)) {
    if (ended->ref == session_monitor_) co_await attach_session();
    if (ended->ref == directory_monitor_) co_await return_to_directory();
  } else if (std::holds_alternative<renumbered>(news)) {
    come_back();
  } else if (std::holds_alternative<reconnect>(news)) {
    timer_set_ = false;
    if (session_lost_) co_await attach_session();
    if (directory_lost_) co_await return_to_directory();
  } else if (user_.empty()) {
    close("not_signed_in", "There was no hello in time.", close_reason::not_signed_in);
  }
}

task<> connection::return_to_directory() {
  online_list present = co_await enter_directory();
  static_cast<void>(present); // a directory that starts tells everybody, when all have come back
}

void connection::show(const deliver& d) {
  for (const event_ptr& e : d.events) {
    if (e->seq <= shown_) continue; // of a session that has died since
    output_.push_back(frames::to_json(*e));
    shown_ = e->seq;
  }
  unthanked_.insert(d.session);
}

void connection::written() {
  for (pid s : unthanked_) cast<took>(server_ref<session>(server_name(s)), me_.id());
  unthanked_.clear();
}

void connection::try_again_soon() {
  if (std::exchange(timer_set_, true)) return;
  send_after(short_wait, me_, reconnect());
}

// --- errors ---

void connection::close(std::string_view code, std::string text, close_reason why) {
  say_error({code, std::move(text), "", ""});
  closing_ = why;
}

void connection::come_back() {
  close("unavailable", "The chat is being restarted.", close_reason::come_back);
}

void connection::refuse(refusal why, std::string id, std::string room) {
  say_error({frames::code_of(why), std::string(frames::text_of(why)), std::move(id), std::move(room)});
}

void connection::unavailable(std::string id, std::string room) {
  say_error({"unavailable", "The chat is being restarted.", std::move(id), std::move(room), retry_after});
}

void connection::too_fast(const frames::request& asked) {
  frames::error e{"too_fast", "Too many frames: wait a moment.", "", "", retry_after};
  if (const auto* sent = std::get_if<frames::send>(&asked)) e.id = sent->id;
  if (const auto* entered = std::get_if<frames::join>(&asked)) e.room = entered->room;
  if (const auto* left = std::get_if<frames::leave>(&asked)) e.room = left->room;
  say_error(e);
}

} // namespace coppice::chat
