// Envelopes: what travels between processes. One allocation each.
#pragma once

#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/describe.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/term.hpp"
#include "coppice/term/term_form.hpp"

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

namespace coppice::detail {

/// What the receiver's drain does with an envelope.
enum class envelope_kind : std::uint8_t {
  message,    ///< goes to the mailbox
  completion, ///< answers the one wait, or the request, whose tag it carries; dropped if there is none
  exit,       ///< an exit signal, by a link or by exit/2
  link,
  unlink,
  monitor,
  demonitor,
  down,
  inspect, ///< a function to run in the receiver, in order with its messages
};

/// How a message was sent: which callback of a behaviour takes it.
enum class message_form : std::uint8_t { info, cast, call };

/// What is known of a message's type at run time. Compared by hash, never by address.
struct message_type {
  std::uint64_t hash;
  std::string_view name;
  term (*to_term)(const void* value);
};

struct envelope;

struct envelope_ops {
  const message_type* type; ///< null for signals
  void (*destroy)(envelope*) noexcept;
  /// Called instead of destroy when the addressee is dead or dies holding it: the sender may be told.
  void (*reject)(envelope*, const exit_reason&) noexcept;
  std::uint16_t value_offset; ///< from the envelope to the message
};

struct envelope {
  envelope* next = nullptr;
  const envelope_ops* ops = nullptr;
  std::uint64_t to = 0;  ///< the id of the addressee: a slot may have changed hands meanwhile
  std::uint64_t tag = 0; ///< of a call, request, monitor or alias; 0 for none
  envelope_kind kind = envelope_kind::message;
  message_form form = message_form::info;
  std::uint8_t flags = 0;
  std::uint8_t padding[5] = {}; // fills the object, so that a message never starts inside it

  explicit envelope(const envelope_ops* o) noexcept : ops(o) {}

  [[nodiscard]] void* value() noexcept { return reinterpret_cast<char*>(this) + ops->value_offset; }
  [[nodiscard]] const void* value() const noexcept {
    return reinterpret_cast<const char*>(this) + ops->value_offset;
  }
  template <class T>
  [[nodiscard]] T& as() noexcept {
    return *static_cast<T*>(value());
  }
};

struct envelope_delete {
  void operator()(envelope* e) const noexcept { e->ops->destroy(e); }
};
using envelope_ptr = std::unique_ptr<envelope, envelope_delete>;

template <class T>
term value_to_term(const void* value) {
  if constexpr (has_term_form<T>) {
    return to_term(*static_cast<const T*>(value));
  } else {
    return term(atom(type_name<T>())); // no term form: its name stands for it in reports
  }
}

template <class T>
inline constexpr message_type message_type_of{type_hash<T>(), type_name<T>(), &value_to_term<T>};

/// An envelope with a message of type T behind it.
template <class T>
struct typed_envelope final : envelope, pooled {
  T message;

  template <class... Args>
  explicit typed_envelope(Args&&... args) : envelope(&operations), message(std::forward<Args>(args)...) {}

  static void destroy(envelope* e) noexcept { delete static_cast<typed_envelope*>(e); }
  static void reject(envelope* e, const exit_reason&) noexcept { destroy(e); }
  static const envelope_ops operations;
};

/// Where the message of a typed_envelope<T> starts.
template <class T>
constexpr std::uint16_t message_offset() {
  return static_cast<std::uint16_t>((sizeof(envelope) + alignof(T) - 1) / alignof(T) * alignof(T));
}

template <class T>
inline constexpr envelope_ops typed_envelope<T>::operations{&message_type_of<T>, &destroy, &reject,
                                                            message_offset<T>()};

template <class T, class... Args>
envelope_ptr make_message(Args&&... args) {
  return envelope_ptr(new typed_envelope<T>(std::forward<Args>(args)...));
}

} // namespace coppice::detail
