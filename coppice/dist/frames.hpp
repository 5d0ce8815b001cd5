// Frames of an established connection: signals as bytes, whole or in fragments, both ways.
// ERTS User's Guide, "Distribution Protocol", and "External Term Format", Distribution Header.
#pragma once

#include "coppice/dist/control.hpp"
#include "coppice/dist/flags.hpp"
#include "coppice/term/external.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coppice::dist {

/// A control message and, where it is one of a process's, the message.
struct signal {
  control what;                               ///< complete: with its reason or arguments
  std::optional<term> message = std::nullopt; ///< of `send_signal` and `alias_signal`
};

/// Bounds for what a peer sends.
struct frame_limits {
  std::size_t frame = std::size_t{128} << 20;            ///< bytes of one frame
  std::size_t unfinished = 1000;                         ///< signals of which fragments are missing
  std::size_t unfinished_bytes = std::size_t{256} << 20; ///< that those take together
  external_limits terms{};                               ///< of each term
};

/// Takes the bytes of a connection apart into signals. What is wrong ends the connection: after an error
/// nothing more is to be read.
class frame_reader {
public:
  /// `common`: what both nodes can do. `nodes` must live as long.
  frame_reader(capabilities common, node_names& nodes, frame_limits limits = {});

  /// Takes bytes as they came from the connection.
  void feed(std::string_view bytes);
  /// Room for at least `least` bytes, to read from the connection into its beginning.
  [[nodiscard]] std::span<char> space(std::size_t least);
  /// So many have been read into what `space` gave last.
  void filled(std::size_t bytes) noexcept { end_ += bytes; }
  /// The next signal; nothing when more bytes are needed for one. O(bytes), each of which is looked at once.
  std::expected<std::optional<signal>, std::string> next();
  /// How many ticks there were: frames with nothing in them, which say that the peer lives.
  [[nodiscard]] std::uint64_t ticks() const noexcept { return ticks_; }
  /// Bytes of signals of which fragments are missing.
  [[nodiscard]] std::size_t unfinished_bytes() const noexcept { return unfinished_bytes_; }

private:
  struct unfinished {
    control_head head;
    std::uint64_t left = 0; ///< fragments that are to come
    std::string payload;
  };
  using result = std::expected<std::optional<signal>, std::string>;

  void rewind() noexcept;
  result take_frame(std::string_view payload);
  result take_whole(std::string_view bytes);
  result take_first(std::string_view bytes);
  result take_more(std::string_view bytes);
  result take_plain(std::string_view bytes);
  result finish(control_head head, std::string_view payload, bool versioned);
  std::expected<control_head, std::string> take_control(std::string_view& bytes);

  capabilities common_;
  node_names& nodes_;
  frame_limits limits_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0; ///< of what has not been read
  std::size_t end_ = 0;
  std::uint64_t ticks_ = 0;
  std::unordered_map<std::uint64_t, unfinished> unfinished_;
  std::size_t unfinished_bytes_ = 0;
};

/// A signal as bytes, to be put into one frame or several.
struct encoded_signal {
  std::string control;      ///< the tuple
  std::string payload;      ///< what stands behind it
  bool has_payload = false; ///< a payload is never empty
};

/// The bytes of a signal; `message` is that of a process. `with_altact`: aliases as OTP 28 wants them. Throws
/// `std::length_error` where it has more than 2^32-1.
[[nodiscard]] encoded_signal encode_signal(const control& what, const term* message, const node_names& nodes,
                                           bool with_altact);

/// Puts signals into frames.
class frame_writer {
public:
  /// As OTP cuts them.
  static constexpr std::size_t fragment_size = std::size_t{64} << 10;

  /// `common`: what both nodes can do. `nodes` must live as long.
  frame_writer(capabilities common, const node_names& nodes);

  /// `encode_signal` in the forms that both nodes know.
  [[nodiscard]] encoded_signal encode(const control& what, const term* message = nullptr) const;
  /// How many frames it takes.
  [[nodiscard]] std::uint64_t frames(const encoded_signal& s) const noexcept;
  /// Appends one of the frames. Those of one signal go in order, from 0; between them others may go.
  /// `sequence` tells signals apart of which some frames are sent and others not yet.
  void append(std::string& out, const encoded_signal& s, std::uint64_t index, std::uint64_t sequence) const;

private:
  capabilities common_;
  const node_names& nodes_;
  bool headers_; ///< distribution headers stand before terms, not versions
};

} // namespace coppice::dist
