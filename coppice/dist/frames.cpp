#include "coppice/dist/frames.hpp"

#include "coppice/dist/detail/wire.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/core.h>
#include <stdexcept>
#include <utility>

namespace coppice::dist {
namespace {

using detail::put;

constexpr char version = '\x83';     // 131
constexpr char pass_through = 'p';   // 112
constexpr char header = 'D';         // 68
constexpr char first_fragment = 'E'; // 69
constexpr char next_fragment = 'F';  // 70
constexpr std::size_t length_size = 4;
constexpr std::size_t fragment_head = 16; // the number of the sequence, and of the fragment

std::uint64_t number(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

bool uses_headers(capabilities common) noexcept {
  return common.has(capability::fragments) || common.has(capability::dist_hdr_atom_cache);
}

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

} // namespace

// --- reading ---

frame_reader::frame_reader(capabilities common, node_names& nodes, frame_limits limits)
    : common_(common), nodes_(nodes), limits_(limits) {}

void frame_reader::feed(std::string_view bytes) {
  std::ranges::copy(bytes, space(bytes.size()).begin());
  filled(bytes.size());
}

std::span<char> frame_reader::space(std::size_t least) {
  const std::size_t used = end_ - begin_;
  if (capacity_ - end_ < least) {
    if (capacity_ - used < least) {
      capacity_ = std::max(2 * used, used + least);
      auto more = std::make_unique_for_overwrite<char[]>(capacity_);
      std::copy_n(buffer_.get() + begin_, used, more.get());
      buffer_ = std::move(more);
    } else {
      std::memmove(buffer_.get(), buffer_.get() + begin_, used);
    }
    begin_ = 0;
    end_ = used;
  }
  return {buffer_.get() + end_, capacity_ - end_};
}

/// All has been read. What one long frame took is not kept for short ones.
void frame_reader::rewind() noexcept {
  constexpr std::size_t kept = std::size_t{1} << 20;
  begin_ = end_ = 0;
  if (capacity_ <= kept) return;
  buffer_.reset();
  capacity_ = 0;
}

frame_reader::result frame_reader::next() {
  while (end_ - begin_ >= length_size) {
    const std::string_view rest(buffer_.get() + begin_, end_ - begin_);
    const std::size_t n = number(rest.substr(0, length_size));
    if (n > limits_.frame) return wrong(fmt::format("a frame of {} bytes; {} are allowed", n, limits_.frame));
    if (n > rest.size() - length_size) break;
    begin_ += length_size + n;
    if (n == 0) {
      ++ticks_;
      continue;
    }
    result taken = take_frame(rest.substr(length_size, n));
    if (!taken || *taken) return taken;
  }
  if (begin_ == end_) rewind();
  return std::nullopt;
}

frame_reader::result frame_reader::take_frame(std::string_view payload) {
  if (payload[0] == pass_through && !uses_headers(common_)) return take_plain(payload.substr(1));
  if (payload[0] != version || payload.size() < 2 || !uses_headers(common_)) {
    return wrong(fmt::format("a frame that begins with {}", static_cast<std::uint8_t>(payload[0])));
  }
  const std::string_view rest = payload.substr(2);
  switch (payload[1]) {
  case header: return take_whole(rest);
  case first_fragment: return take_first(rest);
  case next_fragment: return take_more(rest);
  default: return wrong(fmt::format("a frame of the kind {}", static_cast<std::uint8_t>(payload[1])));
  }
}

std::expected<control_head, std::string> frame_reader::take_control(std::string_view& bytes) {
  auto tuple = take_external(bytes, nodes_, limits_.terms);
  if (!tuple) return wrong("control message: " + tuple.error().message());
  auto head = parse_control(*tuple);
  if (!head) return wrong("control message: " + head.error());
  return head;
}

/// The list of atoms of the cache before the terms: it is empty, as we do not offer it.
static bool no_atoms(std::string_view& bytes) noexcept {
  if (bytes.empty() || bytes[0] != 0) return false;
  bytes.remove_prefix(1);
  return true;
}

frame_reader::result frame_reader::take_whole(std::string_view bytes) {
  if (!no_atoms(bytes)) return wrong("a frame with an atom cache that was not agreed on");
  auto head = take_control(bytes);
  if (!head) return wrong(std::move(head.error()));
  return finish(std::move(*head), bytes, false);
}

frame_reader::result frame_reader::take_plain(std::string_view bytes) {
  if (bytes.empty() || bytes[0] != version) return wrong("a term without a version");
  bytes.remove_prefix(1);
  auto head = take_control(bytes);
  if (!head) return wrong(std::move(head.error()));
  return finish(std::move(*head), bytes, true);
}

frame_reader::result frame_reader::take_first(std::string_view bytes) {
  if (bytes.size() < fragment_head || !common_.has(capability::fragments))
    return wrong("a fragment that cannot be");
  const std::uint64_t sequence = number(bytes.substr(0, 8));
  const std::uint64_t fragments = number(bytes.substr(8, 8));
  bytes.remove_prefix(fragment_head);
  if (fragments == 1) return take_whole(bytes);
  if (fragments == 0) return wrong("a signal of no fragments");
  if (!no_atoms(bytes)) return wrong("a fragment with an atom cache that was not agreed on");
  auto head = take_control(bytes);
  if (!head) return wrong(std::move(head.error()));
  if (!head->has_payload) return wrong("a signal in fragments with nothing behind it");
  if (unfinished_.size() >= limits_.unfinished) {
    return wrong(fmt::format("more than {} signals are unfinished", limits_.unfinished));
  }
  unfinished_bytes_ += bytes.size();
  if (unfinished_bytes_ > limits_.unfinished_bytes) {
    return wrong(fmt::format("unfinished signals take more than {} bytes", limits_.unfinished_bytes));
  }
  const auto [at, fresh] = unfinished_.try_emplace(sequence);
  if (!fresh) return wrong(fmt::format("the fragments {} begin twice", sequence));
  at->second.head = std::move(*head);
  at->second.left = fragments - 1;
  // As much as a signal of a usual length takes; more is not believed before it comes.
  at->second.payload.reserve(bytes.size() * std::min<std::uint64_t>(fragments, 16));
  at->second.payload = bytes;
  return std::nullopt;
}

frame_reader::result frame_reader::take_more(std::string_view bytes) {
  if (bytes.size() < fragment_head) return wrong("a fragment that cannot be");
  const std::uint64_t sequence = number(bytes.substr(0, 8));
  const std::uint64_t fragment = number(bytes.substr(8, 8));
  bytes.remove_prefix(fragment_head);
  const auto found = unfinished_.find(sequence);
  if (found == unfinished_.end() || found->second.left != fragment) {
    return wrong(fmt::format("the fragment {} of {} is not the next one", fragment, sequence));
  }
  unfinished_bytes_ += bytes.size();
  if (unfinished_bytes_ > limits_.unfinished_bytes) {
    return wrong(fmt::format("unfinished signals take more than {} bytes", limits_.unfinished_bytes));
  }
  unfinished& u = found->second;
  u.payload += bytes;
  if (--u.left != 0) return std::nullopt;
  unfinished_bytes_ -= u.payload.size();
  const unfinished whole = std::move(u);
  unfinished_.erase(found);
  return finish(whole.head, whole.payload, false);
}

frame_reader::result frame_reader::finish(control_head head, std::string_view payload, bool versioned) {
  signal made{.what = std::move(head.what)};
  if (head.has_payload) {
    if (versioned && (payload.empty() || payload[0] != version)) return wrong("a term without a version");
    payload.remove_prefix(versioned ? 1 : 0);
    auto term = take_external(payload, nodes_, limits_.terms);
    if (!term) return wrong("what stands behind a control message: " + term.error().message());
    if (!complete(made.what, *term)) return wrong("the arguments of a spawn are not as many as it says");
    if (std::holds_alternative<send_signal>(made.what) || std::holds_alternative<alias_signal>(made.what)) {
      made.message = std::move(*term);
    }
  }
  if (!payload.empty()) return wrong(fmt::format("{} bytes are left in a frame", payload.size()));
  return made;
}

// --- writing ---

frame_writer::frame_writer(capabilities common, const node_names& nodes)
    : common_(common), nodes_(nodes), headers_(uses_headers(common)) {}

encoded_signal encode_signal(const control& what, const term* message, const node_names& nodes,
                             bool with_altact) {
  encoded_signal made;
  const control_parts parts = to_parts(what, with_altact);
  append_external(made.control, parts.tuple, nodes);
  const term* behind = parts.payload ? &*parts.payload : message;
  if (behind == nullptr) return made;
  made.has_payload = true;
  append_external(made.payload, *behind, nodes);
  return made;
}

encoded_signal frame_writer::encode(const control& what, const term* message) const {
  return encode_signal(what, message, nodes_, common_.has(capability::altact_sig));
}

std::uint64_t frame_writer::frames(const encoded_signal& s) const noexcept {
  if (!common_.has(capability::fragments)) return 1;
  return std::max<std::uint64_t>(1, (s.payload.size() + fragment_size - 1) / fragment_size);
}

void frame_writer::append(std::string& out, const encoded_signal& s, std::uint64_t index,
                          std::uint64_t sequence) const {
  const std::uint64_t all = frames(s);
  const std::size_t begin = index * fragment_size;
  const std::string_view part =
      all == 1 ? std::string_view(s.payload) : std::string_view(s.payload).substr(begin, fragment_size);
  std::string head;
  if (!headers_) {
    head += {pass_through, version};
  } else {
    head += {version, all == 1 ? header : index == 0 ? first_fragment : next_fragment};
    if (all > 1) {
      put(head, sequence);
      put(head, all - index);
    }
    if (index == 0) head.push_back(0); // no atoms of the cache
  }
  if (index == 0) head += s.control;
  if (!headers_ && s.has_payload) head.push_back(version);
  const std::size_t size = head.size() + part.size();
  if (size > UINT32_MAX) throw std::length_error("a frame has at most 2^32-1 bytes");
  put(out, static_cast<std::uint32_t>(size));
  out += head;
  out += part;
}

} // namespace coppice::dist
