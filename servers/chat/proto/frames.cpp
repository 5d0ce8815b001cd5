#include "servers/chat/proto/frames.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace coppice::chat::frames {
namespace {

namespace json = boost::json;

constexpr std::size_t deepest = 16;
constexpr std::uint64_t integer_limit = std::uint64_t{1} << 53U;

fault bad_frame(std::string text) { return fault{false, std::move(text)}; }

/// Reads the fields of one frame; remembers the first that is not as it should be.
class field_reader {
public:
  field_reader(const json::object& frame, std::string_view type) : frame_(frame), type_(type) {}

  std::string text(std::string_view name) {
    const json::value* v = frame_.if_contains(name);
    if (v != nullptr && v->is_string()) return std::string(std::string_view(v->get_string()));
    complain(name, "a string");
    return {};
  }
  std::uint64_t integer(std::string_view name) {
    const json::value* v = frame_.if_contains(name);
    if (v != nullptr && v->is_int64() && v->get_int64() >= 0 &&
        static_cast<std::uint64_t>(v->get_int64()) < integer_limit) {
      return static_cast<std::uint64_t>(v->get_int64());
    }
    complain(name, "an integer from 0 to 2^53 - 1");
    return 0;
  }
  void complain(std::string_view name, std::string_view expected) {
    if (problem_.empty()) problem_ = fmt::format("'{}' needs '{}': {}", type_, name, expected);
  }

  /// The request, unless a field was wrong.
  std::expected<request, fault> finish(request made) {
    if (!problem_.empty()) return std::unexpected(bad_frame(std::move(problem_)));
    return made;
  }

private:
  const json::object& frame_;
  std::string_view type_;
  std::string problem_;
};

std::expected<request, fault> read_hello(const json::object& frame, field_reader& read) {
  hello h;
  if (read.integer("v") != 1) read.complain("v", "1, the only version there is");
  h.user = read.text("user");
  if (const json::value* resume = frame.if_contains("resume")) {
    if (const json::object* point = resume->if_object()) {
      field_reader inner(*point, "resume");
      h.resume = resume_point{inner.text("epoch"), inner.integer("seq")};
      auto checked = inner.finish(who());
      if (!checked) return checked;
    } else {
      read.complain("resume", "an object, or nothing");
    }
  }
  return read.finish(std::move(h));
}

std::expected<request, fault> read_request(const json::object& frame, std::string_view type) {
  field_reader read(frame, type);
  if (type == "send") {
    send s;
    s.id = read.text("id");
    s.to = read.text("to");
    s.text = read.text("text");
    return read.finish(std::move(s));
  }
  if (type == "ack") return read.finish(ack{read.integer("seq")});
  if (type == "ping") return read.finish(ping{read.integer("n")});
  if (type == "join") return read.finish(join{read.text("room")});
  if (type == "leave") return read.finish(leave{read.text("room")});
  if (type == "who") return who();
  if (type == "hello") return read_hello(frame, read);
  return std::unexpected(fault{true, fmt::format("there is no frame of type '{}'", type.substr(0, 40))});
}

/// Builds one JSON object, field by field.
class writer {
public:
  explicit writer(std::string_view type) { field("type", type); }

  writer& field(std::string_view name, std::string_view value) {
    key(name);
    out_ += json::serialize(json::string_view(value));
    return *this;
  }
  template <std::integral T>
  writer& field(std::string_view name, T value) {
    key(name);
    if constexpr (std::same_as<T, bool>) {
      out_ += value ? "true" : "false";
    } else {
      fmt::format_to(std::back_inserter(out_), "{}", value);
    }
    return *this;
  }
  writer& field(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    out_ += '[';
    for (const std::string& value : values) {
      if (out_.back() != '[') out_ += ',';
      out_ += json::serialize(json::string_view(value));
    }
    out_ += ']';
    return *this;
  }
  /// A value that is JSON already.
  writer& raw(std::string_view name, std::string_view value) {
    key(name);
    out_ += value;
    return *this;
  }
  std::string take() {
    out_ += '}';
    return std::move(out_);
  }

private:
  void key(std::string_view name) {
    if (out_.size() > 1) out_ += ',';
    out_.append(1, '"').append(name).append("\":");
  }

  std::string out_ = "{";
};

} // namespace

std::expected<request, fault> parse(std::string_view text) {
  if (text.size() > longest) return std::unexpected(bad_frame("the frame is too long"));
  json::parse_options options;
  options.max_depth = deepest;
  json::error_code error;
  json::monotonic_resource memory;
  const json::value value = json::parse(json::string_view(text), error, &memory, options);
  if (error) return std::unexpected(bad_frame("the frame is not JSON: " + error.message()));
  const json::object* frame = value.if_object();
  if (frame == nullptr) return std::unexpected(bad_frame("the frame is not a JSON object"));
  const json::value* type = frame->if_contains("type");
  if (type == nullptr || !type->is_string()) {
    return std::unexpected(bad_frame("the frame needs 'type': a string"));
  }
  return read_request(*frame, std::string_view(type->get_string()));
}

std::string to_json(const welcome& frame) {
  return writer("welcome")
      .field("v", 1)
      .field("user", frame.user)
      .field("node", frame.node)
      .field("epoch", frame.epoch)
      .field("seq", frame.seq)
      .field("online", frame.online)
      .field("online_total", frame.online_total)
      .take();
}

std::string to_json(const event& e) {
  if (const chat_message* m = e.message()) {
    return writer("message")
        .field("seq", e.seq)
        .field("id", m->id)
        .field("from", m->from)
        .field("to", m->to)
        .field("text", m->text)
        .field("at", m->at)
        .take();
  }
  const receipt& r = std::get<receipt>(e.what);
  return writer("delivered").field("seq", e.seq).field("id", r.id).field("to", r.to).field("by", r.by).take();
}

std::string to_json(const accepted& frame) {
  return writer("accepted")
      .field("id", frame.id)
      .field("to", frame.to)
      .field("at", frame.at)
      .field("recipients", frame.recipients)
      .take();
}

std::string to_json(const presence& frame) {
  return writer("presence").field("user", frame.user).field("online", frame.online).take();
}

std::string to_json(const online& frame) {
  return writer("online").field("online", frame.users).field("online_total", frame.total).take();
}

std::string to_json(const error& frame) {
  writer out("error");
  out.field("code", frame.code).field("text", frame.text);
  if (!frame.id.empty()) out.field("id", frame.id);
  if (!frame.room.empty()) out.field("room", frame.room);
  if (frame.retry) out.field("retry", *frame.retry);
  return out.take();
}

std::string rooms_to_json(const std::vector<room_entry>& rooms, std::string_view user) {
  std::string list = "[";
  for (const room_entry& entry : rooms) {
    if (list.size() > 1) list += ',';
    const bool joined = std::ranges::binary_search(*entry.members, user);
    fmt::format_to(std::back_inserter(list), R"({{"room":{},"members":{},"joined":{}}})",
                   json::serialize(json::string_view(entry.room)), entry.members->size(), joined);
  }
  list += ']';
  return writer("rooms").raw("rooms", list).take();
}

std::string room_to_json(std::string_view room, const member_list& members) {
  const std::vector<std::string> nobody;
  return writer("room").field("room", room).field("members", members == nullptr ? nobody : *members).take();
}

std::string left_to_json(std::string_view room) { return writer("left").field("room", room).take(); }

std::string pong_to_json(std::uint64_t n) { return writer("pong").field("n", n).take(); }

std::string_view code_of(refusal why) noexcept {
  switch (why) {
  case refusal::bad_name: return "bad_name";
  case refusal::bad_id: return "bad_id";
  case refusal::bad_text: return "bad_text";
  case refusal::not_member: return "not_member";
  case refusal::room_full: return "room_full";
  case refusal::too_many_rooms: return "too_many_rooms";
  case refusal::too_many_users: return "too_many_users";
  case refusal::mailbox_full: return "mailbox_full";
  }
  return "bad_frame";
}

std::string_view text_of(refusal why) noexcept {
  switch (why) {
  case refusal::bad_name:
    return "A name has 1 to 32 letters, digits, dots, underscores or hyphens; a room's begins with #.";
  case refusal::bad_id: return "A message id has 8 to 40 letters, digits, underscores or hyphens.";
  case refusal::bad_text: return "A message has 1 to 4000 characters.";
  case refusal::not_member: return "You are not in that room: join it first.";
  case refusal::room_full: return "That room is full.";
  case refusal::too_many_rooms: return "There are too many rooms, or you are in too many: leave one first.";
  case refusal::too_many_users: return "This server has as many users as it takes.";
  case refusal::mailbox_full: return "Too many messages wait there to be read: try again later.";
  }
  return "The request was refused.";
}

} // namespace coppice::chat::frames
