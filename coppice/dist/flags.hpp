// What a node of the distribution can do, as the bits that it says so with in the handshake.
// ERTS User's Guide, "Distribution Protocol", Distribution Flags.
#pragma once

#include <cstdint>

namespace coppice::dist {

/// The capabilities of a node, or those that both sides of a connection have.
enum class capability : std::uint64_t {
  published = 1ULL << 0,            ///< the node is visible: it takes part in `global`
  extended_references = 1ULL << 2,  ///< references of several words
  dist_monitor = 1ULL << 3,         ///< monitors
  fun_tags = 1ULL << 4,             ///< funs, in the form of old
  dist_monitor_name = 1ULL << 5,    ///< monitors by name
  new_fun_tags = 1ULL << 7,         ///< funs
  extended_pids_ports = 1ULL << 8,  ///< pids and ports of more than 15 bits
  export_ptr_tag = 1ULL << 9,       ///< `fun m:f/a`
  bit_binaries = 1ULL << 10,        ///< bitstrings
  new_floats = 1ULL << 11,          ///< floats of 8 bytes
  unicode_io = 1ULL << 12,          ///< the I/O protocol with Unicode
  dist_hdr_atom_cache = 1ULL << 13, ///< atoms are sent once a connection, then by number
  small_atom_tags = 1ULL << 14,     ///< lengths of one byte before atoms
  utf8_atoms = 1ULL << 16,          ///< atoms in UTF-8
  map_tag = 1ULL << 17,             ///< maps
  big_creation = 1ULL << 18,        ///< creations of 32 bits
  send_sender = 1ULL << 19,         ///< SEND_SENDER in place of SEND
  big_seqtrace_labels = 1ULL << 20, ///< any term as the label of a sequential trace
  exit_payload = 1ULL << 22,        ///< exit reasons stand behind the control message
  fragments = 1ULL << 23,           ///< long messages in several frames
  handshake_23 = 1ULL << 24,        ///< version 6 of the handshake
  unlink_id = 1ULL << 25,           ///< unlinking that is numbered and acknowledged
  mandatory_25_digest = 1ULL << 26, ///< stands for all that OTP 25 asks for
  spawn = 1ULL << 32,               ///< starting processes, with an answer
  name_me = 1ULL << 33,             ///< a wish: the node takes the name that it is given
  v4_nc = 1ULL << 34,               ///< pids, ports and references of any bits
  alias = 1ULL << 35,               ///< sending to aliases
  altact_sig = 1ULL << 37,          ///< OTP 28's way of sending to aliases, names and with priority
};

/// A set of capabilities.
class capabilities {
public:
  constexpr capabilities() noexcept = default;
  /// As they stand in the messages of the handshake.
  constexpr explicit capabilities(std::uint64_t bits) noexcept : bits_(bits) {}
  /// Those, and no others.
  template <class... C>
  static constexpr capabilities of(C... each) noexcept {
    return capabilities((static_cast<std::uint64_t>(each) | ... | 0));
  }

  /// Whether it is among them.
  [[nodiscard]] constexpr bool has(capability c) const noexcept {
    return (bits_ & static_cast<std::uint64_t>(c)) != 0;
  }
  /// Whether all of `other` are among them.
  [[nodiscard]] constexpr bool has_all(capabilities other) const noexcept {
    return (bits_ & other.bits_) == other.bits_;
  }
  /// As they stand in the messages of the handshake; those that nobody here knows as well.
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  /// These and `more`.
  [[nodiscard]] constexpr capabilities with(capabilities more) const noexcept {
    return capabilities(bits_ | more.bits_);
  }
  /// These but for `less`.
  [[nodiscard]] constexpr capabilities without(capabilities less) const noexcept {
    return capabilities(bits_ & ~less.bits_);
  }
  /// What both have.
  [[nodiscard]] constexpr capabilities common(capabilities other) const noexcept {
    return capabilities(bits_ & other.bits_);
  }
  friend constexpr bool operator==(capabilities, capabilities) noexcept = default;

private:
  std::uint64_t bits_ = 0;
};

/// What OTP 25 and later ask for.
inline constexpr capabilities mandatory_25 =
    capabilities::of(capability::extended_references, capability::fun_tags, capability::new_fun_tags,
                     capability::extended_pids_ports, capability::export_ptr_tag, capability::bit_binaries,
                     capability::new_floats, capability::utf8_atoms, capability::map_tag,
                     capability::big_creation, capability::handshake_23);
/// What OTP 26 and later ask for on top.
inline constexpr capabilities mandatory_26 = capabilities::of(capability::unlink_id, capability::v4_nc);

/// What this node offers. Not the atom cache: without it frames have no order among themselves but that of
/// their senders, and no state.
inline constexpr capabilities offered =
    mandatory_25.with(mandatory_26)
        .with(capabilities::of(capability::dist_monitor, capability::dist_monitor_name,
                               capability::unicode_io, capability::small_atom_tags, capability::send_sender,
                               capability::big_seqtrace_labels, capability::exit_payload,
                               capability::fragments, capability::mandatory_25_digest, capability::spawn,
                               capability::alias, capability::altact_sig));

/// The digest bit stands for all that is mandatory.
constexpr capabilities expanded(capabilities told) noexcept {
  return told.has(capability::mandatory_25_digest) ? told.with(mandatory_25) : told;
}

} // namespace coppice::dist
