// The process of an event manager.
#pragma once

#include "coppice/otp/detail/event_handler_slot.hpp"
#include "coppice/otp/detail/gen_process.hpp"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace coppice::detail {

/// An event that nobody waits for.
struct event_notice {
  message_ptr event;
};
void send_event(const server_name& manager, message_ptr event);

/// What managers are asked.
struct event_request {
  enum class what : std::uint8_t { add, remove, swap, which, event, call };

  what request = what::which;
  handler_id id{};                         ///< of remove, swap, call
  term arguments{};                        ///< for terminate
  std::unique_ptr<handler_slot> handler{}; ///< of add and swap
  bool supervised = false;
  message_ptr message{}; ///< of event and call
  bool foreign = false;  ///< by a term: what went wrong is a reply, too, in OTP's shape

  static event_request add(std::unique_ptr<handler_slot> handler, bool supervised);
  static event_request remove(handler_id id, term arguments);
  static event_request swap(handler_id old, term arguments, std::unique_ptr<handler_slot> handler,
                            bool supervised);
  static event_request which();
  static event_request event(message_ptr event);
  template <class Request, class... Args>
  static event_request ask(handler_id id, Args&&... args) {
    event_request r;
    r.request = what::call;
    r.id = std::move(id);
    r.message = make_message<Request>(build<Request>(std::forward<Args>(args)...));
    return r;
  }

  /// As OTP's gen_event is asked; nothing for a handler, which cannot leave its program.
  [[nodiscard]] std::optional<term> as_term() const;
};
/// What went wrong in a manager elsewhere, if that is what its answer says (OTP: `{error, Reason}`, and
/// `{'EXIT', Reason}` of a handler that was to be removed).
[[nodiscard]] std::optional<exit_reason> event_failure(const term& answer);

class event_manager : public gen_process {
protected:
  void on_init() final;
  void on_message(message_ptr message) final;
  void on_terminate(const exit_reason& reason) final;
  [[nodiscard]] term state_as_term() const final;
  bool replace_state(const term& state) final;
  std::optional<exit_reason> on_code_change(const term& old_vsn, const term& extra) final;
  [[nodiscard]] atom module() const final;

private:
  using outcome = std::expected<term, exit_reason>;
  using when_done = std::function<void(outcome)>;

  /// One event or message on its way from handler to handler.
  struct round {
    message_ptr event;
    bool is_info = false;
    std::size_t left = 0; ///< handlers before this place have yet to get it
    from who;             ///< of sync_notify
    bool taken = false;   ///< an info: by one of the handlers at least
  };

  void ask(event_request& request, from who);
  void ask_foreign(const term& command, from who);
  [[nodiscard]] term modules() const;
  static void refuse(from& who, const exit_reason& why, bool foreign);
  void ask_one(event_request& request, from who);
  void one_asked(handler_slot& h);
  void remove_asked(const event_request& request, from who);
  void begin_round(message_ptr event, bool is_info, from who);
  void go_round();
  /// Carries out what a handler's callback decided. True if that awaits: then `resume` is called when it is
  /// over.
  bool settle(handler_slot& h, const envelope& message, const std::function<void()>& resume);
  /// Adds a handler. True if its init awaits; `done` is called in either case.
  bool add(std::unique_ptr<handler_slot> h, const when_done& done);
  void joined(const when_done& done);
  bool swap(handler_slot* old, const term& arguments, std::unique_ptr<handler_slot> successor, bool in_place,
            const when_done& done);
  void crashed(handler_slot& h, const exit_reason& reason, const envelope& message);
  /// Takes a handler out; what its terminate gave, or threw. Its supervisor is told why.
  outcome take_out(handler_slot& h, const term& why, const exit_reason& told);
  void supervisor_ended(pid supervisor, const exit_reason& reason);
  [[nodiscard]] handler_slot* find(const handler_id& id) noexcept;
  [[nodiscard]] std::size_t place_of(const handler_slot& h) const noexcept;
  void compact();

  std::vector<std::unique_ptr<handler_slot>> handlers_; // newest last; null: taken out, until compact
  bool gaps_ = false;
  round round_;
  // Of the one callback that is under way:
  handler_step step_;
  message_ptr request_;
  from asker_;
  bool foreign_asker_ = false;
  std::optional<term> previous_; ///< for joining_'s init
  std::unique_ptr<handler_slot> joining_;
  std::optional<std::size_t> place_; ///< where joining_ goes; else it is the newest
};

/// The same under the name of the user's class.
template <class M>
class event_manager_of final : public event_manager {
public:
  static std::unique_ptr<gen_process> make() { return std::make_unique<event_manager_of>(); }
  [[nodiscard]] std::string_view label() const noexcept override { return type_name<M>(); }
};

} // namespace coppice::detail

namespace coppice {
/// `{notify, Event}`, as OTP's gen_event sends it.
template <>
struct describe<detail::event_notice> {
  static term to(const detail::event_notice& n);
  static std::expected<detail::event_notice, decode_error> from(const term& t);
};
} // namespace coppice
